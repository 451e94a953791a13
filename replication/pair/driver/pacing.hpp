// How long the replication thread sleeps between two turns while the nodes are in step. A thread
// that is woken, a packet and an answer for each change cost more than the change itself; where
// clients' threads need the same core, what comes together shall leave in one packet and be
// acknowledged by one. What is not sent yet is lost with the node, though, so a thread that has its
// core to itself never rests, and no rest is longer than a fifth of a millisecond, or half of one
// where the process has no core left. The first change after a longer silence never waits.
#pragma once

#include "replication/pair/exchange/exchange.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace twincached::replication::pair {

// What the kernel tells: of the thread, how long it ran and how long it was ready to run and had no
// core, since it began; of the process, how long its threads ran, and how many cores they may use.
struct CoreTimes {
    std::chrono::nanoseconds ran{0};
    std::chrono::nanoseconds waited{0};
    std::chrono::nanoseconds process_ran{0};
    int cores = 0;
};

// Who wants the thread's core.
enum class CoreUse : std::uint8_t {
    own,      // nobody else
    shared,   // somebody: the thread has lately waited for it
    used_up,  // its own process, which uses all that it may
};

// A thread with short slices, as this one, seldom waits: it takes the core from a client's thread,
// perhaps one that holds the lock which it needs next, and then goes back and forth with it for
// every change. So its own waiting does not tell enough.
class CoreShare {
  public:
    using Instant = std::chrono::steady_clock::time_point;
    // To ask the kernel costs microseconds: not at each turn.
    static constexpr std::chrono::milliseconds period{20};
    // A thread that wakes up on an idle core has waited for a few microseconds, too, and then runs
    // for tens of them.
    static constexpr int ran_per_waited = 2;
    static constexpr int used_up_percent = 85;

    bool is_due(Instant now) const noexcept { return now >= next_; }
    void note(const CoreTimes& times, Instant now) noexcept {
        const auto ran = times.ran - last_.ran;
        const auto waited = times.waited - last_.waited;
        const auto process_ran = times.process_ran - last_.process_ran;
        const auto most = (now - noted_at_) / 100 * used_up_percent;
        use_ = CoreUse::own;
        if (waited * ran_per_waited > ran) use_ = CoreUse::shared;
        if (times.cores > 0 && process_ran / times.cores > most) use_ = CoreUse::used_up;
        last_ = times;
        noted_at_ = now;
        next_ = now + period;
    }
    CoreUse use() const noexcept { return use_; }

  private:
    CoreTimes last_;
    Instant noted_at_{};
    Instant next_{};
    CoreUse use_ = CoreUse::own;
};

constexpr std::chrono::microseconds longest_rest(CoreUse use) noexcept {
    switch (use) {
        case CoreUse::own:
            return std::chrono::microseconds(0);
        case CoreUse::shared:
            return std::chrono::microseconds(200);
        case CoreUse::used_up:
            return std::chrono::microseconds(500);
    }
    return std::chrono::microseconds(0);
}

// After a turn that took `busy` and moved so much.
inline std::chrono::steady_clock::duration rest_after(std::chrono::steady_clock::duration busy,
                                                      const Traffic& moved, CoreUse use) noexcept {
    // A trickle: the rest is kept so short that the peer's clients do not notice it.
    constexpr int rest_per_busy = 8;
    // A crowd of small changes: to wait for more of them is what makes each of them cheap. (Whoever
    // only receives is woken no more often than the other sends.)
    constexpr std::uint64_t crowd = 4;
    constexpr std::uint64_t crowd_bytes = 64U << 10;

    const auto longest = longest_rest(use);
    if (moved.records >= crowd && moved.bytes < crowd_bytes) return longest;
    return std::min<std::chrono::steady_clock::duration>(busy * rest_per_busy, longest);
}

}  // namespace twincached::replication::pair
