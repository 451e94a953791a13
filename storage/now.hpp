// One reading of the node's clocks. Storage and protocol never look at a clock: whoever calls
// them has read it, once per burst of work, and passes it down.
#pragma once

#include <cstdint>

namespace twincached::storage {

// Seconds on the node's own monotonic clock. 0 means "never" where an expiry stands; the clock
// starts at `first_tick` or later, so that `past_tick` is always in the past.
using Tick = std::uint32_t;
inline constexpr Tick past_tick = 1;
inline constexpr Tick first_tick = 2;

struct Now {
    std::uint64_t steady_ms = first_tick * 1000;  // node's own monotonic clock
    std::uint64_t version_ms = 0;   // ms since 2025-01-01T00:00Z, slewed, never stepped (versions)
    std::int64_t unix_seconds = 0;  // wall clock, for absolute exptimes and for reporting

    constexpr Tick tick() const noexcept { return static_cast<Tick>(steady_ms / 1000); }
};

}  // namespace twincached::storage
