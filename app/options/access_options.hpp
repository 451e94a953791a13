// The part of the option table about who may come in and how much he may take.
#pragma once

#include "app/options/option_table.hpp"

#include <span>

namespace twincached::app {

std::span<const Option> access_options() noexcept;

}  // namespace twincached::app
