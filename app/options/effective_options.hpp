// The part of the option table that steers the server, section by section of the file.
#pragma once

#include "app/options/option_table.hpp"

#include <span>

namespace twincached::app {

std::span<const Option> effective_options() noexcept;

}  // namespace twincached::app
