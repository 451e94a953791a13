// One option's value as an operator writes it: text to typed member, and back. Pure.
#pragma once

#include "app/options/option_table.hpp"
#include "lib/result.hpp"

#include <chrono>
#include <string>
#include <string_view>

namespace twincached::app {

// Durations as people write them: "200ms", "3s", "5m", "24h", "2d"; a bare number counts in
// `plain_unit` milliseconds.
lib::Parsed<std::chrono::milliseconds> parse_duration(std::string_view text,
                                                      std::uint64_t plain_unit);
// The largest unit that is exact.
std::string duration_text(std::chrono::milliseconds duration);

// Stores the value, or says what is wrong with it. Lists are appended to.
lib::Parsed<void> assign(const Option& option, std::string_view text, Options& options);

// What a flag without an argument means.
lib::Parsed<void> assign_bare(const Option& option, Options& options);

// The value as assign() would take it.
std::string value_text(const Option& option, const Options& options);

// What `from` has of this option.
void copy_value(const Option& option, const Options& from, Options& to);

// Every option at its default.
Options default_options();

}  // namespace twincached::app
