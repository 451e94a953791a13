// The node's own clocks, made from what the system's clocks read. Pure: it is fed readings.
//
// * steady time counts from storage::first_tick, through suspends, and is never set;
// * version time starts at the wall clock and then runs on its own, towards the wall clock: at once
//   where that is ahead and nobody says otherwise, by running at most a tenth faster or slower
//   where the other node's clock disagrees with it, or where it was set back and versions of its
//   former time are about. It never gives way to them: as long as there are versions ahead of the
//   wall clock, own or another node's, it runs ahead with them, so that of two writes the later one
//   has the higher version on whichever node (REPLICATION.md, section 1);
// * the wall clock is passed through, for absolute exptimes and reports.
//
// now() may be called by any thread; steer() by one thread, now and then (a second is fine).
#pragma once

#include "storage/now.hpp"

#include <atomic>
#include <cstdint>
#include <optional>

namespace twincached::app {

struct ClockReading {
    std::int64_t boot_ns = 0;  // CLOCK_BOOTTIME
    std::int64_t real_ns = 0;  // CLOCK_REALTIME
};

// Who else says something of the time.
struct Witnesses {
    std::uint64_t newest_ms = 0;  // of the versions that the store has given or seen, since 2025
    std::optional<std::int64_t> peer_clock = std::nullopt;  // see Replicator::peer_clock
};

class NodeClock {
  public:
    explicit NodeClock(const ClockReading& start) noexcept;

    // The node's own clock stands at `steady_ms` in this moment: it goes on from before a restart.
    // REQUIRES: no other thread uses this yet.
    void go_on_from(std::uint64_t steady_ms, const ClockReading& reading) noexcept;

    storage::Now now(const ClockReading& reading) const noexcept;
    void steer(const ClockReading& reading, const Witnesses& witnesses = {}) noexcept;

    // How far version time is behind the wall clock.
    std::int64_t behind_ns(const ClockReading& reading) const noexcept;

  private:
    // From `boot_ns` on version time was `version_ns`, with `error_ns` still to be made good.
    struct Course {
        std::int64_t boot_ns;
        std::int64_t version_ns;
        std::int64_t error_ns;
    };
    Course course() const noexcept;
    std::int64_t version_ns(std::int64_t boot_ns) const noexcept;

    std::uint64_t steady_ms(std::int64_t boot_ns) const noexcept;
    bool is_believed(const ClockReading& reading, const Witnesses& witnesses) const noexcept;

    std::int64_t start_boot_ns_;
    // A sequence lock: odd while the three below are being written.
    std::atomic<std::uint32_t> sequence_{0};
    std::atomic<std::int64_t> boot_ns_;
    std::atomic<std::int64_t> version_ns_;
    std::atomic<std::int64_t> error_ns_{0};
};

}  // namespace twincached::app
