// How a store's items leave it before a restart, and come back after it.

#include "storage/shard/saved_item.hpp"
#include "storage/store.hpp"

namespace twincached::storage {

Store::Registers Store::registers() const noexcept {
    Registers registers;
    registers.version_time = version_time();
    registers.flush_version = flush_version();
    const lib::MutexLock lock(schedule_mutex_);
    registers.schedule = schedule_;
    registers.schedule_is_own = schedule_is_own_;
    return registers;
}

void Store::restore(const Registers& registers) noexcept {
    for (const auto& locked : shards_) {
        const lib::ForegroundLock lock(locked->mutex);
        locked->shard.pass_time(registers.version_time);
        if (registers.flush_version != 0) locked->shard.flush(registers.flush_version);
    }
    const lib::MutexLock lock(schedule_mutex_);
    schedule_ = registers.schedule;
    schedule_is_own_ = registers.schedule_is_own;
}

void Store::save(SavedItemVisitor visit) noexcept {
    bool goes_on = true;
    for (const auto& locked : shards_) {
        const lib::ForegroundLock lock(locked->mutex);
        if (goes_on) goes_on = locked->shard.save(visit);
    }
}

}  // namespace twincached::storage
