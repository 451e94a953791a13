#include "storage/locked_shards.hpp"

#include <algorithm>

namespace twincached::storage {

void LockedShards::observe(Version version) const noexcept {
    for (const auto& locked : shards_) {
        const lib::ForegroundLock lock(locked->mutex);
        locked->items.clock().observe(version);
    }
}

void LockedShards::restart_versions(const ClockLead& lead, std::uint64_t now_ms) const noexcept {
    for (const auto& locked : shards_) {
        const lib::ForegroundLock lock(locked->mutex);
        auto& table = locked->items.table();
        table.set_flush_version(lead.corrected(table.flush_version()));
        locked->items.clock().restart(lead.right_ms, now_ms);
        locked->items.clock().pass(table.flush_version());
    }
}

VersionClock LockedShards::clock() const noexcept {
    auto& locked = *shards_.front();
    const lib::ForegroundLock lock(locked.mutex);
    return locked.items.clock();
}

std::uint64_t LockedShards::version_time() const noexcept {
    std::uint64_t latest = 0;
    for (const auto& locked : shards_) {
        const lib::ForegroundLock lock(locked->mutex);
        latest = std::max(latest, locked->items.clock().time());
    }
    return latest;
}

Version LockedShards::flush_version() const noexcept {
    Version latest = 0;
    for (const auto& locked : shards_) {
        const lib::ForegroundLock lock(locked->mutex);
        latest = std::max(latest, locked->items.table().flush_version());
    }
    return latest;
}

}  // namespace twincached::storage
