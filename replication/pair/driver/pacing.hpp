// How long the replication thread sleeps between two turns while the nodes are in step. A thread
// that is woken, a packet and an answer for each change would cost the clients' threads more than
// the change itself; what comes together leaves in one packet and is acknowledged by one. The first
// change after a longer silence never waits.
#pragma once

#include "replication/pair/exchange/exchange.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace twincached::replication::pair {

// After a turn that took `busy` and moved so much.
inline std::chrono::steady_clock::duration rest_after(std::chrono::steady_clock::duration busy,
                                                      const Traffic& moved) noexcept {
    using std::chrono::microseconds;
    // A trickle: the rest is kept so short that the peer's clients do not notice it.
    constexpr int rest_per_busy = 16;
    constexpr microseconds longest_short_rest{800};
    // A crowd of small changes: to wait for more of them is what makes each of them cheap. (Whoever
    // only receives is woken no more often than the other sends.)
    constexpr std::uint64_t crowd = 4;
    constexpr std::uint64_t crowd_bytes = 64U << 10;
    constexpr microseconds long_rest{2600};

    if (moved.records >= crowd && moved.bytes < crowd_bytes) return long_rest;
    return std::min<std::chrono::steady_clock::duration>(busy * rest_per_busy, longest_short_rest);
}

}  // namespace twincached::replication::pair
