#include "storage/flushes.hpp"

#include <algorithm>

namespace twincached::storage {

namespace {

// A flush that another node was to fire is fired here if nothing was heard of it by then: that node
// may have been restarted, and its client asked for a flush.
constexpr std::uint64_t schedule_grace_ms = 10'000;

}  // namespace

// Newer than everything that any shard has allotted until now.
Version Flushes::next_version(const Now& now) const noexcept {
    auto clock = shards_.clock();
    clock.pass_time(shards_.version_time());
    return clock.next_write(now.version_ms);
}

// The shards first: when the sink hears of it, nothing older is to be read here any more.
Ticket Flushes::flush(const Now& now) noexcept {
    const Version version = next_version(now);
    apply(version, now.tick());
    bool cancelled = false;
    Version cancelling = 0;
    {
        const lib::MutexLock lock(mutex_);
        cancelled = schedule_.at_steady_ms != 0;
        if (cancelled) schedule_ = {0, std::max(version, schedule_.version + 1)};
        cancelling = schedule_.version;
    }
    if (cancelled) sink_.on_flush_scheduled(0, cancelling);
    return sink_.on_flush(version);
}

void Flushes::apply(Version version, Tick now) noexcept {
    if (version > shards_.flush_version()) last_.store(now, std::memory_order_relaxed);
    for (const auto& locked : shards_) {
        const lib::ForegroundLock lock(locked->mutex);
        locked->items.flush(version);
    }
}

// The version is observed, so that the flush, when it comes, is newer than its request, and so is
// every write after it.
void Flushes::schedule(std::uint64_t at_steady_ms, const Now& now) noexcept {
    Version version = next_version(now);
    {
        const lib::MutexLock lock(mutex_);
        version = std::max(version, schedule_.version + 1);
        schedule_ = {at_steady_ms, version};
        schedule_is_own_ = true;
    }
    shards_.observe(version);
    sink_.on_flush_scheduled(at_steady_ms, version);
}

// The later request wins, in whatever order they arrive.
void Flushes::apply_schedule(std::uint64_t at_steady_ms, Version version) noexcept {
    shards_.observe(version);
    const lib::MutexLock lock(mutex_);
    if (version <= schedule_.version) return;
    schedule_ = {at_steady_ms, version};
    schedule_is_own_ = false;
}

void Flushes::correct(const ClockLead& lead) noexcept {
    const lib::MutexLock lock(mutex_);
    schedule_.version = lead.corrected(schedule_.version);
}

FlushSchedule Flushes::schedule() const noexcept {
    const lib::MutexLock lock(mutex_);
    return schedule_;
}

// A flush that came after the request, from whomever, has been its execution.
void Flushes::fire(const Now& now) noexcept {
    FlushSchedule due;
    bool own = false;
    {
        const lib::MutexLock lock(mutex_);
        if (schedule_.at_steady_ms == 0 || schedule_.at_steady_ms > now.steady_ms) return;
        due = schedule_;
        own = schedule_is_own_;
    }
    const bool is_over = due.version <= shards_.flush_version();
    const bool waited = now.steady_ms >= due.at_steady_ms + schedule_grace_ms;
    const auto is_this_nodes = [&] {
        return own ? sink_.fires_own_schedule(now.steady_ms) : sink_.fires_foreign_schedule();
    };
    if (!is_over && !waited && !is_this_nodes()) return;
    {
        const lib::MutexLock lock(mutex_);
        if (schedule_.version != due.version) return;  // it was replaced meanwhile
        schedule_.at_steady_ms = 0;
    }
    if (!is_over) (void)flush(now);
}

StoreRegisters Flushes::registers() const noexcept {
    StoreRegisters registers;
    registers.version_time = shards_.version_time();
    registers.flush_version = shards_.flush_version();
    const lib::MutexLock lock(mutex_);
    registers.schedule = schedule_;
    registers.schedule_is_own = schedule_is_own_;
    return registers;
}

void Flushes::restore(const StoreRegisters& registers) noexcept {
    for (const auto& locked : shards_) {
        const lib::ForegroundLock lock(locked->mutex);
        locked->items.clock().pass_time(registers.version_time);
        if (registers.flush_version != 0) locked->items.flush(registers.flush_version);
    }
    const lib::MutexLock lock(mutex_);
    schedule_ = registers.schedule;
    schedule_is_own_ = registers.schedule_is_own;
}

}  // namespace twincached::storage
