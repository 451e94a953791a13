#include "app/process/node_clock.hpp"

#include <algorithm>

namespace twincached::app {
namespace {

constexpr std::int64_t ns_per_ms = 1'000'000;
constexpr std::int64_t ns_per_second = 1'000'000'000;
constexpr std::int64_t version_epoch_seconds = 1'735'689'600;  // 2025-01-01T00:00Z
constexpr std::int64_t slew_divisor = 10;
// Two clocks that are no further apart say the same.
constexpr std::int64_t agreement_ms = 2000;

}  // namespace

NodeClock::NodeClock(const ClockReading& start) noexcept
    : start_boot_ns_(start.boot_ns), boot_ns_(start.boot_ns), version_ns_(start.real_ns) {}

NodeClock::Course NodeClock::course() const noexcept {
    for (;;) {
        const auto before = sequence_.load(std::memory_order_acquire);
        // Acquire, so that the second look at the sequence cannot come before these.
        const Course course{boot_ns_.load(std::memory_order_acquire),
                            version_ns_.load(std::memory_order_acquire),
                            error_ns_.load(std::memory_order_acquire)};
        const auto after = sequence_.load(std::memory_order_relaxed);
        if (before == after && before % 2 == 0) return course;
    }
}

std::int64_t NodeClock::version_ns(std::int64_t boot_ns) const noexcept {
    const auto course = this->course();
    const auto progress = std::max<std::int64_t>(0, boot_ns - course.boot_ns);
    const auto reach = progress / slew_divisor;
    return course.version_ns + progress + std::clamp(course.error_ns, -reach, reach);
}

void NodeClock::go_on_from(std::uint64_t steady_ms, const ClockReading& reading) noexcept {
    const auto since_first = static_cast<std::int64_t>(steady_ms) - storage::first_tick * 1000LL;
    start_boot_ns_ = reading.boot_ns - since_first * ns_per_ms;
}

std::uint64_t NodeClock::steady_ms(std::int64_t boot_ns) const noexcept {
    const auto since_start = std::max<std::int64_t>(0, boot_ns - start_boot_ns_);
    return storage::first_tick * 1000 + static_cast<std::uint64_t>(since_start / ns_per_ms);
}

storage::Now NodeClock::now(const ClockReading& reading) const noexcept {
    const auto version_ms = version_ns(reading.boot_ns) / ns_per_ms - version_epoch_seconds * 1000;
    storage::Now now;
    now.steady_ms = steady_ms(reading.boot_ns);
    now.version_ms = static_cast<std::uint64_t>(std::max<std::int64_t>(0, version_ms));
    now.unix_seconds = reading.real_ns / ns_per_second;
    return now;
}

// Of two clocks that disagree nobody knows which one is right: then neither may make a jump. Alone,
// or with one that agrees, the wall clock is what it says: it was wrong before, and is right now.
bool NodeClock::is_believed(const ClockReading& reading,
                            const Witnesses& witnesses) const noexcept {
    if (!witnesses.peer_clock) return true;
    const auto own_ms = reading.real_ns / ns_per_ms - version_epoch_seconds * 1000;
    const auto steady = static_cast<std::int64_t>(steady_ms(reading.boot_ns));
    const auto apart = own_ms - steady - *witnesses.peer_clock;
    return -agreement_ms <= apart && apart <= agreement_ms;
}

void NodeClock::steer(const ClockReading& reading, const Witnesses& witnesses) noexcept {
    const auto here = version_ns(reading.boot_ns);
    const auto newest =
        (static_cast<std::int64_t>(witnesses.newest_ms) + version_epoch_seconds * 1000) * ns_per_ms;
    auto course = std::max(here, newest);
    const bool is_behind = reading.real_ns > course;
    if (is_behind && is_believed(reading, witnesses)) course = reading.real_ns;
    if (reading.real_ns < course && newest <= reading.real_ns) course = reading.real_ns;
    const auto sequence = sequence_.load(std::memory_order_relaxed);
    sequence_.store(sequence + 1, std::memory_order_relaxed);
    // Release, so that whoever sees one of these also sees the odd sequence.
    boot_ns_.store(reading.boot_ns, std::memory_order_release);
    version_ns_.store(course, std::memory_order_release);
    error_ns_.store(reading.real_ns - course, std::memory_order_release);
    sequence_.store(sequence + 2, std::memory_order_release);
}

std::int64_t NodeClock::behind_ns(const ClockReading& reading) const noexcept {
    return reading.real_ns - version_ns(reading.boot_ns);
}

}  // namespace twincached::app
