// How long the replication thread sleeps between two turns while the nodes are in step. A thread
// that is woken, a packet and an answer for each change cost more than the change itself; where
// clients' threads need the same core, what comes together shall leave in one packet and be
// acknowledged by one. What is not sent yet is lost with the node, though, so a thread that has its
// core to itself never rests, and no rest is longer than a fifth of a millisecond. The first change
// after a longer silence never waits.
#pragma once

#include "replication/pair/exchange/exchange.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace twincached::replication::pair {

// Since the thread began: how long it ran, and how long it was ready to run and had no core.
struct ThreadTimes {
    std::chrono::nanoseconds ran{0};
    std::chrono::nanoseconds waited{0};
};

// Whether others want the thread's core, judged by how long it has lately waited for one.
class CoreShare {
  public:
    using Instant = std::chrono::steady_clock::time_point;
    // To ask the kernel costs microseconds: not at each turn.
    static constexpr std::chrono::milliseconds period{20};
    // A thread that wakes up on an idle core has waited for a few microseconds, too, and then runs
    // for tens of them.
    static constexpr int ran_per_waited = 2;

    bool is_due(Instant now) const noexcept { return now >= next_; }
    void note(const ThreadTimes& times, Instant now) noexcept {
        const auto ran = times.ran - last_.ran;
        const auto waited = times.waited - last_.waited;
        is_shared_ = waited * ran_per_waited > ran;
        last_ = times;
        next_ = now + period;
    }
    bool is_shared() const noexcept { return is_shared_; }

  private:
    ThreadTimes last_;
    Instant next_{};
    bool is_shared_ = false;
};

// After a turn that took `busy` and moved so much. REQUIRES: the core is shared.
inline std::chrono::steady_clock::duration rest_after(std::chrono::steady_clock::duration busy,
                                                      const Traffic& moved) noexcept {
    using std::chrono::microseconds;
    constexpr microseconds longest_rest{200};
    // A trickle: the rest is kept so short that the peer's clients do not notice it.
    constexpr int rest_per_busy = 8;
    // A crowd of small changes: to wait for more of them is what makes each of them cheap. (Whoever
    // only receives is woken no more often than the other sends.)
    constexpr std::uint64_t crowd = 4;
    constexpr std::uint64_t crowd_bytes = 64U << 10;

    if (moved.records >= crowd && moved.bytes < crowd_bytes) return longest_rest;
    return std::min<std::chrono::steady_clock::duration>(busy * rest_per_busy, longest_rest);
}

}  // namespace twincached::replication::pair
