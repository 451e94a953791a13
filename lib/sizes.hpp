// Sizes as people write them: "64m", "1g", "512k", "100b". Units are powers of 1024; a trailing
// 'b' or 'ib' is accepted ("64mb", "64MiB"); case does not matter.
#pragma once

#include "lib/result.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace twincached::lib {

// Bytes, or a sentence that says what is wrong. `plain_unit` is what a bare number counts in; 0:
// only 0 needs no unit.
Parsed<std::uint64_t> parse_size(std::string_view text, std::uint64_t plain_unit = 0);

// The shortest exact form: 67108864 -> "64m", 1000 -> "1000b".
std::string size_text(std::uint64_t bytes);

}  // namespace twincached::lib
