// The part of the option table that holds memcached's -o words which steer nothing here: they
// name mechanisms (slab pages, LRU segments, external storage) that this store does not have, or
// not yet. Command lines that exist go on working, and `stats settings` shows what they said.
#pragma once

#include "app/options/option_table.hpp"

#include <span>

namespace twincached::app {

std::span<const Option> reported_options() noexcept;

}  // namespace twincached::app
