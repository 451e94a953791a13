// The next multiple of a unit: of pages, alignments, lines.
#pragma once

#include <cstddef>

namespace twincached::lib {

// REQUIRES: unit > 0, and the result fits.
constexpr std::size_t round_up(std::size_t bytes, std::size_t unit) noexcept {
    return (bytes + unit - 1) / unit * unit;
}

}  // namespace twincached::lib
