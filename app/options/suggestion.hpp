// "Did you mean ...?" for names that people mistype. Pure.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace twincached::app {

// Insertions, deletions, substitutions and swaps of neighbours between two words.
std::size_t edit_distance(std::string_view left, std::string_view right);

// " (did you mean 'memory-limit'?)", or nothing if no candidate is near.
std::string suggestion(std::string_view written, std::span<const std::string_view> candidates);

}  // namespace twincached::app
