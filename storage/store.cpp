#include "storage/store.hpp"

#include <algorithm>

namespace twincached::storage {

namespace {

// One call of `maintain` stays within a few milliseconds.
constexpr unsigned upkeep_steps = 32;
constexpr std::chrono::milliseconds rest_busy{2};
constexpr std::chrono::milliseconds rest_idle{100};
// What a walk does under one hold of a lock.
constexpr unsigned buckets_per_hold = 64;

}  // namespace

Ticket Store::flush(const Now& now) noexcept {
    core_.note_time(now);
    return core_.flushes.flush(now);
}

// The lock is let go every few buckets; the cursor is a hash, so that it does not matter what
// becomes of the index in between.
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
            LockedShard& locked = core_.shards[number];
            const lib::BackgroundLock lock(locked.mutex);
            for (unsigned bucket = 0; bucket < buckets_per_hold && seen < budget; ++bucket) {
                next = Shard(locked.items).visit(hash, now, count);
                if (!next) break;
                hash = *next;
            }
        }
        if (!next) {
            if (number + 1 == shard_count()) return std::nullopt;
            hash = core_.shards.first_hash(number + 1);
        }
        if (seen >= budget) return Cursor{hash};
    }
}

std::chrono::milliseconds Store::maintain(const Now& now) noexcept {
    core_.note_time(now);
    core_.flushes.fire(now);
    bool is_busy = core_.extents.collect();
    for (const auto& locked : core_.shards) {
        bool more = true;
        for (unsigned step = 0; more && step < upkeep_steps; ++step) {
            const lib::BackgroundLock lock(locked->mutex);
            more = locked->items.upkeep(now.tick());
        }
        is_busy |= more;
    }
    is_busy |= core_.reclaimer.shrink(now);
    return is_busy ? rest_busy : rest_idle;
}

StoreStats Store::stats() const noexcept {
    StoreStats stats;
    stats.memory_limit = core_.budget.limit();
    stats.memory_used = core_.budget.used();
    stats.extent_bytes = core_.extents.bytes();
    stats.pinned = core_.extents.pins();
    for (const auto& locked : core_.shards) {
        const lib::ForegroundLock lock(locked->mutex);
        locked->items.add_to(stats, core_.last_tick.load(std::memory_order_relaxed));
    }
    stats.total_up();
    return stats;
}

void Store::reset_stats() noexcept {
    for (const auto& locked : core_.shards) {
        const lib::ForegroundLock lock(locked->mutex);
        locked->items.books().reset();
    }
}

}  // namespace twincached::storage
