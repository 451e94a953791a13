// memcached's and repcached's options that decide nothing here: they name mechanisms (slab pages,
// LRU segments, external storage) that this store does not have, or not yet. Command lines that
// exist go on working, a line in the log says so, and `stats settings` shows what was written.
#pragma once

#include "lib/option_row.hpp"

#include <span>
#include <string_view>

namespace twincached::app {

std::span<const lib::OptionRow> memcached_word_rows() noexcept;

// Words that another one says as well: no_modern brings back the defaults of memcached 1.4.
struct ImpliedWord {
    std::string_view word;
    std::string_view value;
};
std::span<const ImpliedWord> implied_by(std::string_view written) noexcept;

}  // namespace twincached::app
