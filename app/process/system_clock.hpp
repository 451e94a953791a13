// The node's clock on this machine: NodeClock fed by the system. One per server, shared by all
// threads.
#pragma once

#include "app/process/node_clock.hpp"
#include "app/process/test_time.hpp"

#include <cstdint>
#include <ctime>

namespace twincached::app {

class SystemClock {
  public:
    SystemClock() noexcept : clock_(read(CLOCK_REALTIME)) {}

    // Cheap: two reads that do not enter the kernel. The wall clock may lag by some milliseconds.
    storage::Now now() const noexcept { return clock_.now(read(CLOCK_REALTIME_COARSE)); }
    // The same, and the machine's own clock, which no `debugtime` moves. Read before a client's
    // bytes are, it is the time of all that is executed for them: what comes while the process is
    // stopped behind this reading is not made newer by it.
    struct Moment {
        storage::Now now;
        std::uint64_t boot_ms;
    };
    Moment moment() const noexcept {
        const auto actual = read_actual(CLOCK_REALTIME_COARSE);
        return {clock_.now(test_time_.seen(actual)), milliseconds(actual.boot_ns)};
    }
    static std::uint64_t boot_ms() noexcept { return milliseconds(read_ns(CLOCK_BOOTTIME)); }
    // By one thread only, about once a second.
    void steer(const Witnesses& witnesses = {}) noexcept {
        clock_.steer(read(CLOCK_REALTIME), witnesses);
    }

    ClockReading reading() const noexcept { return read(CLOCK_REALTIME); }

    // For tests (`debugtime`): all clocks of this server.
    void move(std::int64_t seconds) noexcept { test_time_.move(seconds); }
    void pause() noexcept { test_time_.stop_at(read_actual(CLOCK_REALTIME)); }
    void resume() noexcept { test_time_.go_on(); }

    // See NodeClock.
    void go_on_from(std::uint64_t steady_ms, const ClockReading& reading) noexcept {
        clock_.go_on_from(steady_ms, reading);
    }

  private:
    static std::uint64_t milliseconds(std::int64_t ns) noexcept {
        return static_cast<std::uint64_t>(ns) / 1'000'000;
    }
    static std::int64_t read_ns(clockid_t clock) noexcept {
        timespec time{};
        clock_gettime(clock, &time);
        return static_cast<std::int64_t>(time.tv_sec) * 1'000'000'000 + time.tv_nsec;
    }
    static ClockReading read_actual(clockid_t wall_clock) noexcept {
        return {read_ns(CLOCK_BOOTTIME), read_ns(wall_clock)};
    }
    ClockReading read(clockid_t wall_clock) const noexcept {
        return test_time_.seen(read_actual(wall_clock));
    }

    TestTime test_time_;  // read by the next one's constructor
    NodeClock clock_;
};

}  // namespace twincached::app
