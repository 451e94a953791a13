// How a store finds memory across its shards, and what concerns all of them at once.

#include "storage/store.hpp"

#include <algorithm>

namespace twincached::storage {

namespace {

// Steps of eviction in a row that freed nothing, before a request for memory fails.
constexpr unsigned futile_limit = 16;
constexpr unsigned futile_per_pressure = 4;
// Values that are still arriving hold one part in so many of the limit at most.
constexpr std::uint64_t reserved_share = 2;
// One call of `maintain` stays within a few milliseconds.
constexpr unsigned upkeep_steps = 32;
constexpr unsigned shrink_steps = 16;
constexpr std::chrono::milliseconds rest_busy{2};
constexpr std::chrono::milliseconds rest_idle{100};
// What a walk does under one hold of a lock.
constexpr unsigned buckets_per_hold = 64;
// A flush that the peer was to fire is fired here if nothing was heard of it by then: the peer may
// have been restarted, and its client asked for a flush.
constexpr std::uint64_t schedule_grace_ms = 10'000;

}  // namespace

// --- memory ------------------------------------------------------------------------------------

bool Store::is_large(std::uint64_t value_bytes) const noexcept {
    return value_bytes > limits_.large_value;
}

bool Store::exceeds_limit(std::size_t key_bytes, std::uint64_t value_bytes,
                          std::uint32_t client_flags) const noexcept {
    return value_bytes > value_length_limit ||
           accounted_bytes(key_bytes, value_bytes, client_flags) > limits_.item_size;
}

ValueReservation Store::reserve(std::uint64_t value_bytes, const Now& now) noexcept {
    if (value_bytes > value_length_limit) return {};
    const std::uint64_t others = reserved_bytes_.fetch_add(value_bytes);
    const bool too_much = others != 0 && others + value_bytes > memory_limit() / reserved_share;
    const ExtentNumber extent = too_much ? 0 : allocate_extent(value_bytes, now);
    if (extent == 0) {
        reserved_bytes_.fetch_sub(value_bytes);
        return {};
    }
    return {extents_, extent, value_bytes, reserved_bytes_};
}

void Store::provide(Supply& supply, const Now& now) noexcept {
    if (supply.lacks_extent_bytes != 0) {
        if (supply.extent != 0) extents_.release(supply.extent);
        supply.is_filled = false;
        supply.extent = allocate_extent(supply.lacks_extent_bytes, now);
        if (supply.extent == 0) supply.insist = true;
        return;
    }
    unsigned futile = 0;
    while (futile < shard_count() && relieve(1, {futile, 0}, now) == 0)
        ++futile;
    if (futile == shard_count()) supply.insist = true;
}

ExtentNumber Store::allocate_extent(std::uint64_t bytes, const Now& now) noexcept {
    if (bytes > budget_.limit()) return 0;
    for (unsigned futile = 0;;) {
        const ExtentNumber extent = extents_.allocate(bytes);
        if (extent != 0) return extent;
        if (relieve(bytes, {futile, futile / futile_per_pressure}, now) != 0)
            futile = 0;
        else if (++futile == futile_limit)
            return 0;
    }
}

// Lets the shard that has most evict; after futile attempts another one.
std::uint64_t Store::relieve(std::uint64_t bytes, const Effort& effort, const Now& now) noexcept {
    Locked& locked = *shards_[(largest_shard() + effort.futile) % shard_count()];
    std::uint64_t freed = 0;
    {
        const lib::ForegroundLock lock(locked.mutex);
        freed = locked.shard.table().evict_some(bytes, effort.pressure, now.tick());
    }
    (void)extents_.collect();
    return freed;
}

unsigned Store::largest_shard() const noexcept {
    unsigned largest = 0;
    for (unsigned shard = 1; shard < shard_count(); ++shard)
        if (shards_[shard]->bytes() > shards_[largest]->bytes()) largest = shard;
    return largest;
}

void Store::set_memory_limit(std::uint64_t bytes) noexcept {
    budget_.set_limit(bytes);
}
std::uint64_t Store::memory_limit() const noexcept {
    return budget_.limit();
}

// --- versions and flushes ----------------------------------------------------------------------

unsigned Store::shard_count() const noexcept {
    return static_cast<unsigned>(shards_.size());
}

void Store::observe(Version version) noexcept {
    for (const auto& locked : shards_) {
        const lib::ForegroundLock lock(locked->mutex);
        locked->shard.observe(version);
    }
}

std::uint64_t Store::version_time() const noexcept {
    std::uint64_t latest = 0;
    for (const auto& locked : shards_) {
        const lib::ForegroundLock lock(locked->mutex);
        latest = std::max(latest, locked->shard.version_time());
    }
    return latest;
}

Version Store::flush_version() const noexcept {
    Version latest = 0;
    for (const auto& locked : shards_) {
        const lib::ForegroundLock lock(locked->mutex);
        latest = std::max(latest, locked->shard.flush_version());
    }
    return latest;
}

// Newer than everything that any shard has allotted until now.
Version Store::next_version(const Now& now) noexcept {
    VersionClock clock = new_clock();
    clock.pass_time(version_time());
    return clock.next_write(now.version_ms);
}

Ticket Store::flush(const Now& now) noexcept {
    note_time(now);
    const Version version = next_version(now);
    flush_shards(version);
    bool cancelled = false;
    Version cancelling = 0;
    {
        const lib::MutexLock lock(schedule_mutex_);
        cancelled = schedule_.at_steady_ms != 0;
        if (cancelled) schedule_ = {0, std::max(version, schedule_.version + 1)};
        cancelling = schedule_.version;
    }
    if (cancelled) sink_.on_flush_scheduled(0, cancelling);
    return sink_.on_flush(version);
}

void Store::flush_shards(Version version) noexcept {
    if (version > flush_version()) {
        last_flush_.store(last_tick_.load(std::memory_order_relaxed), std::memory_order_relaxed);
    }
    for (const auto& locked : shards_) {
        const lib::ForegroundLock lock(locked->mutex);
        locked->shard.flush(version);
    }
}

void Store::apply_flush(Version version) noexcept {
    flush_shards(version);
}

void Store::schedule_flush(std::uint64_t at_steady_ms, const Now& now) noexcept {
    Version version = next_version(now);
    {
        const lib::MutexLock lock(schedule_mutex_);
        version = std::max(version, schedule_.version + 1);
        schedule_ = {at_steady_ms, version};
        schedule_is_own_ = true;
    }
    observe(version);
    sink_.on_flush_scheduled(at_steady_ms, version);
}

void Store::apply_flush_schedule(std::uint64_t at_steady_ms, Version version) noexcept {
    observe(version);
    const lib::MutexLock lock(schedule_mutex_);
    if (version <= schedule_.version) return;
    schedule_ = {at_steady_ms, version};
    schedule_is_own_ = false;
}

Store::FlushSchedule Store::flush_schedule() const noexcept {
    const lib::MutexLock lock(schedule_mutex_);
    return schedule_;
}

// Rule R14b. The node whose client asked for it fires it; the other one if it is alone, or has
// waited in vain. A flush that came after the request, from whomever, has been its execution.
void Store::fire_schedule(const Now& now) noexcept {
    FlushSchedule due;
    bool own = false;
    {
        const lib::MutexLock lock(schedule_mutex_);
        if (schedule_.at_steady_ms == 0 || schedule_.at_steady_ms > now.steady_ms) return;
        due = schedule_;
        own = schedule_is_own_;
    }
    const bool is_over = due.version <= flush_version();
    const bool waited = now.steady_ms >= due.at_steady_ms + schedule_grace_ms;
    if (!is_over && !own && !waited && !sink_.fires_foreign_schedule()) return;
    {
        const lib::MutexLock lock(schedule_mutex_);
        if (schedule_.version != due.version) return;  // it was replaced meanwhile
        schedule_.at_steady_ms = 0;
    }
    if (!is_over) (void)flush(now);
}

// --- walks and upkeep --------------------------------------------------------------------------

std::optional<Store::Cursor> Store::walk(Cursor cursor, std::size_t budget, const Now& now,
                                         ItemVisitor visit) noexcept {
    budget = std::max<std::size_t>(budget, 1);
    std::size_t seen = 0;
    std::uint64_t hash = cursor.hash;
    const auto count = [&](const ItemView& item) {
        ++seen;
        visit(item);
    };
    for (;;) {
        const unsigned number = shard_of(hash);
        std::optional<std::uint64_t> next;
        {
            const lib::BackgroundLock lock(shards_[number]->mutex);
            for (unsigned bucket = 0; bucket < buckets_per_hold && seen < budget; ++bucket) {
                next = shards_[number]->shard.visit(hash, now, count);
                if (!next) break;
                hash = *next;
            }
        }
        if (!next) {
            if (number + 1 == shard_count()) return std::nullopt;
            hash = std::uint64_t{number + 1} << (64 - shard_bits_);
        }
        if (seen >= budget) return Cursor{hash};
    }
}

std::chrono::milliseconds Store::maintain(const Now& now) noexcept {
    note_time(now);
    fire_schedule(now);
    bool is_busy = extents_.collect();
    for (const auto& locked : shards_) {
        bool more = true;
        for (unsigned step = 0; more && step < upkeep_steps; ++step) {
            const lib::BackgroundLock lock(locked->mutex);
            more = locked->shard.table().upkeep(now.tick());
        }
        is_busy |= more;
    }
    unsigned futile = 0;
    if (budget_.excess() != 0) extents_.end_rest();
    for (unsigned step = 0; step < shrink_steps && budget_.excess() != 0; ++step)
        if (relieve(budget_.excess(), {futile, 0}, now) == 0) ++futile;
    is_busy |= budget_.excess() != 0 && futile < shrink_steps;
    return is_busy ? rest_busy : rest_idle;
}

// --- reports -----------------------------------------------------------------------------------

StoreStats Store::stats() const noexcept {
    StoreStats stats;
    stats.memory_limit = budget_.limit();
    stats.memory_used = budget_.used();
    stats.extent_bytes = extents_.bytes();
    stats.pinned = extents_.pins();
    for (const auto& locked : shards_) {
        const lib::ForegroundLock lock(locked->mutex);
        locked->shard.table().add_to(stats, last_tick_.load(std::memory_order_relaxed));
    }
    stats.total_up();
    return stats;
}

void Store::reset_stats() noexcept {
    for (const auto& locked : shards_) {
        const lib::ForegroundLock lock(locked->mutex);
        locked->shard.table().reset_stats();
    }
}

}  // namespace twincached::storage
