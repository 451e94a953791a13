#include "storage/replication_operations.hpp"

namespace twincached::storage {

bool ReplicationOperations::rehash(const lib::KeyedHash& hash) noexcept {
    if (hash.seed() == core_.hash.seed()) return false;
    for (const auto& locked : core_.shards) {
        const lib::ForegroundLock lock(locked->mutex);
        if (locked->items.table().index().items() != 0) return false;
    }
    core_.hash = hash;
    return true;
}

ApplyOutcome ReplicationOperations::apply(const Record& record, const Now& now) noexcept {
    core_.note_time(now);
    MemoryGrant grant;
    if (record.value.size() > core_.limits.large_value)
        core_.reclaimer.grant_filled(grant, record.value, now);
    return core_.reclaimer.run(
        core_.shards.of(record.key.hash), now, grant,
        [&](ShardItems& items) { return Shard(items).apply(record, now, grant); });
}

// As background: a driver takes the lock again and again, and a client waits for its one turn.
void ReplicationOperations::with_shard(unsigned number,
                                       lib::FunctionRef<void(Shard&)> visit) noexcept {
    LockedShard& locked = core_.shards[number];
    const lib::BackgroundLock lock(locked.mutex);
    Shard shard(locked.items);
    visit(shard);
}

void ReplicationOperations::apply_flush(Version version) noexcept {
    core_.flushes.apply(version, core_.last_tick.load(std::memory_order_relaxed));
}

}  // namespace twincached::storage
