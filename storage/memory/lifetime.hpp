// Items that live about as long lie in slabs of their own, so that whole slabs die together and
// nothing needs to be copied out of them. Six classes: more would leave more slabs half empty.
#pragma once

#include "storage/exptime.hpp"

#include <array>
#include <cstdint>

namespace twincached::storage {

// Up to 1 min, 10 min, 1 h, 4 h, 1 day, longer (or for ever).
inline constexpr std::array<std::uint32_t, 5> lifetime_bounds = {60, 600, 3600, 14400, 86400};
inline constexpr unsigned lifetime_count = lifetime_bounds.size() + 1;

// 0 to lifetime_count - 1. What is past belongs to the first.
constexpr unsigned lifetime_of(Expiry expiry, Tick now) noexcept {
    const auto left = expiry.seconds_left(now);
    if (!left) return lifetime_count - 1;
    unsigned lifetime = 0;
    while (lifetime < lifetime_bounds.size() && *left > lifetime_bounds[lifetime])
        ++lifetime;
    return lifetime;
}

}  // namespace twincached::storage
