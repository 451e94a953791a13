// Versions as the model knows them: the order of storage/version.hpp in sixteen bits. Two writes
// never carry the same (time, node); touches of one write are ordered among themselves; that a
// version is a delete's is marked for the checker only and never decides an order.
//
//   15            5   4    3 2      1        0
//   [ time : 11   ][node][touches][toucher][delete]
#pragma once

#include <cstdint>

namespace twincached::model {

using Side = unsigned;          // 0 is node A, 1 is node B
using Version = std::uint16_t;  // 0 = none

constexpr unsigned most_touches = 3;  // then a touch takes a write's version, as the store does

constexpr Side peer_of(Side side) noexcept {
    return 1 - side;
}

constexpr Version write_version(unsigned time, Side node) noexcept {
    return static_cast<Version>(time << 5 | node << 4);
}
constexpr Version delete_version(unsigned time, Side node) noexcept {
    return static_cast<Version>(write_version(time, node) | 1U);
}

constexpr unsigned time_of(Version version) noexcept {
    return version >> 5;
}
constexpr Side writer_of(Version version) noexcept {
    return version >> 4 & 1U;
}
constexpr unsigned touches_of(Version version) noexcept {
    return version >> 2 & 3U;
}
constexpr Side toucher_of(Version version) noexcept {
    return version >> 1 & 1U;
}
constexpr bool is_delete(Version version) noexcept {
    return (version & 1U) != 0;
}

// The write that a touched version descends from.
constexpr Version write_of(Version version) noexcept {
    return static_cast<Version>(version & ~0xFU);
}
// REQUIRES: touches_of(version) < most_touches.
constexpr Version touched_version(Version version, Side node) noexcept {
    return static_cast<Version>(write_of(version) | (touches_of(version) + 1) << 2 | node << 1);
}
// Who made this very version, be it by a write or by a touch.
constexpr Side author_of(Version version) noexcept {
    return touches_of(version) != 0 ? toucher_of(version) : writer_of(version);
}

}  // namespace twincached::model
