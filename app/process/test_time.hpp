// Time as tests want it: shifted, or standing still (`debugtime`). Between the system's clocks and
// NodeClock; without test commands nothing ever moves it. Any thread.
#pragma once

#include "app/process/node_clock.hpp"

#include <atomic>
#include <cstdint>

namespace twincached::app {

class TestTime {
  public:
    // What a clock shows that really reads this.
    ClockReading seen(const ClockReading& actual) const noexcept {
        if (!is_touched_.load(std::memory_order_acquire)) return actual;
        const auto shift = shift_ns_.load(std::memory_order_relaxed);
        const bool stands = stands_.load(std::memory_order_acquire);
        const auto boot = stands ? boot_ns_.load(std::memory_order_relaxed) : actual.boot_ns;
        const auto real = stands ? real_ns_.load(std::memory_order_relaxed) : actual.real_ns;
        return {boot + shift, real + shift};
    }

    void move(std::int64_t seconds) noexcept {
        constexpr std::int64_t ns_per_second = 1'000'000'000;
        shift_ns_.fetch_add(seconds * ns_per_second, std::memory_order_relaxed);
        is_touched_.store(true, std::memory_order_release);
    }
    void stop_at(const ClockReading& actual) noexcept {
        if (stands_.load(std::memory_order_relaxed)) return;
        boot_ns_.store(actual.boot_ns, std::memory_order_relaxed);
        real_ns_.store(actual.real_ns, std::memory_order_relaxed);
        stands_.store(true, std::memory_order_release);
        is_touched_.store(true, std::memory_order_release);
    }
    // The time that has passed meanwhile has passed.
    void go_on() noexcept { stands_.store(false, std::memory_order_release); }

  private:
    std::atomic<bool> is_touched_{false};
    std::atomic<bool> stands_{false};
    std::atomic<std::int64_t> shift_ns_{0};
    std::atomic<std::int64_t> boot_ns_{0};
    std::atomic<std::int64_t> real_ns_{0};
};

}  // namespace twincached::app
