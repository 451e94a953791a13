// What two nodes compare of their clocks, and what is believed of versions by it. Peers are
// compared by their wall clocks: version time may be led, by a clock that was wrong or by a peer's
// versions, long after both wall clocks are right. Pure functions.
#pragma once

#include "storage/now.hpp"
#include "storage/version.hpp"

#include <algorithm>
#include <cstdint>

namespace twincached::replication {

// Whatever a peer says of its clock, sums of what is no further than this do not overflow.
inline constexpr std::int64_t last_wall_ms = std::int64_t{1} << 60;

// 2025, where versions begin, in milliseconds since 1970.
inline constexpr std::int64_t version_epoch_ms = 1'735'689'600'000;

// Milliseconds since 2025; negative before that. The wall clock is read in seconds: where version
// time agrees with it, that is as right, and finer.
constexpr std::int64_t wall_ms_of(const storage::Now& now) noexcept {
    constexpr std::int64_t coarse_ms = 1500;
    const auto version_ms = static_cast<std::int64_t>(now.version_ms);
    if (now.unix_seconds == 0) return version_ms;  // a test without a wall clock
    const auto wall_ms = now.unix_seconds * 1000 - version_epoch_ms;
    const auto apart = wall_ms > version_ms ? wall_ms - version_ms : version_ms - wall_ms;
    return apart <= coarse_ms ? version_ms : wall_ms;
}

// The same as a time that versions may have.
constexpr std::uint64_t wall_version_ms(const storage::Now& now) noexcept {
    return static_cast<std::uint64_t>(std::max<std::int64_t>(0, wall_ms_of(now)));
}

// Measured from the wall clock, whatever versions have come since: else each version that is
// believed would let a later one pass. A wall clock that was set back by more than `ahead_ms` while
// the node ran is no measure any more: then version time, which has gone on, is.
constexpr storage::VersionGate gate_of(const storage::Now& now, std::uint64_t ahead_ms) noexcept {
    constexpr std::uint64_t slack_ms = 2000;
    const auto wall_ms = wall_version_ms(now);
    const bool was_set_back = now.version_ms > wall_ms && now.version_ms - wall_ms > slack_ms &&
                              now.version_ms - wall_ms - slack_ms > ahead_ms;
    return {was_set_back ? now.version_ms : wall_ms, ahead_ms};
}

}  // namespace twincached::replication
