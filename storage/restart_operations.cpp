#include "storage/restart_operations.hpp"

namespace twincached::storage {

void RestartOperations::save(SavedItemVisitor visit) noexcept {
    bool goes_on = true;
    for (const auto& locked : core_.shards) {
        const lib::ForegroundLock lock(locked->mutex);
        if (goes_on) goes_on = ShardRestart(locked->items).save(visit);
    }
}

RestoreOutcome RestartOperations::restore(const SavedItem& saved, const Now& now) noexcept {
    core_.note_time(now);
    const Key key = core_.key(saved.key);
    MemoryGrant grant;
    if (saved.value.size() > core_.limits.large_value)
        core_.reclaimer.grant_filled(grant, saved.value, now);
    return core_.reclaimer.run(core_.shards.of(key.hash), now, grant, [&](ShardItems& items) {
        return ShardRestart(items).restore(saved, key, now, grant);
    });
}

RestoreOutcome RestartOperations::restore(SavedItem saved, const Now& now,
                                          ValueReservation value) noexcept {
    core_.note_time(now);
    const Key key = core_.key(saved.key);
    saved.value = {value.bytes().data(), value.bytes().size()};
    MemoryGrant grant;
    grant.extent = value.take();
    grant.is_filled = true;
    return core_.reclaimer.run(core_.shards.of(key.hash), now, grant, [&](ShardItems& items) {
        return ShardRestart(items).restore(saved, key, now, grant);
    });
}

}  // namespace twincached::storage
