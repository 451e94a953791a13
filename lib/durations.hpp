// Durations as people write them: "200ms", "3s", "5m", "24h", "2d".
#pragma once

#include "lib/result.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace twincached::lib {

// Or a sentence that says what is wrong. `plain_unit` is what a bare number counts in, in
// milliseconds; 0: only 0 needs no unit.
Parsed<std::chrono::milliseconds> parse_duration(std::string_view text,
                                                 std::uint64_t plain_unit = 0);

// In the largest unit that is exact, up to hours: 90000 ms -> "90s". REQUIRES: not negative.
std::string duration_text(std::chrono::milliseconds duration);

// For people, who need no more than two figures of it: "0.2 s", "12 s", "3m 20s", "5h 7m", "12 d".
std::string rough_text(std::chrono::milliseconds duration);

}  // namespace twincached::lib
