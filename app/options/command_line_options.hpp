// The part of the option table that has no place in a file: what to do instead of serving, and
// flags that are accepted because command lines that use them exist.
#pragma once

#include "app/options/option_table.hpp"

#include <span>

namespace twincached::app {

// What to do instead of serving; first in --help.
std::span<const Option> action_options() noexcept;
// Flags whose feature is not here.
std::span<const Option> accepted_options() noexcept;

}  // namespace twincached::app
