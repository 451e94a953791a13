// Where in a change log the newest entry of a key lies.
//
//      near:  [ few slots ]                  where a key is put if there is room
//      far:   [ ........ slots for a full log ........ ]       where else it is put
//
// While the peer keeps up, all keys are near, where the core has them at hand; a look at a slot of
// the far table would have to wait for memory. A look-up is bounded whatever the keys: no more than
// `alike_most` have the same half of a hash. Hashes that nobody has chosen come nowhere near that,
// even if the index is as full as it may be. Not thread-safe: guarded by the shard's lock.
#pragma once

#include "replication/changes/slot_table.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace twincached::replication {

class LogIndex {
  public:
    static constexpr std::size_t no_slot = SlotTable::no_slot;

    // `slots`: of the far table, a power of two of 8 at least.
    explicit LogIndex(std::size_t slots) : near_(near_slots(slots)), far_(slots) {}

    static constexpr std::size_t bytes_for(std::size_t slots) noexcept {
        return SlotTable::bytes_for(near_slots(slots)) + SlotTable::bytes_for(slots);
    }
    // For one key more.
    bool has_room() const noexcept { return near_.has_room() || far_.has_room(); }

    struct Probe {
        std::size_t found;  // the key's slot, or no_slot
        std::size_t free;   // if it has none: where it would be; no_slot if it must not be in here
    };
    // Here as below: `chunks` are those of the log, and `head` is where it begins.
    Probe probe(const storage::Key& key, const LogChunks& chunks, LogPosition head) const noexcept {
        const auto near = near_.probe(key, chunks, head);
        if (near.found != no_slot) return {near.found, no_slot};
        const bool has_near = near_.has_room() && near.free != no_slot;
        if (has_near && far_.empty()) return {no_slot, if_few(near.alike, near.free)};
        const auto far = far_.probe(key, chunks, head);
        if (far.found != no_slot) return {far_slot(far.found), no_slot};
        return {no_slot, if_few(near.alike + far.alike, has_near ? near.free : far_slot(far.free))};
    }
    LogPosition position_in(std::size_t slot, LogPosition head) const noexcept {
        return table_of(slot).position_in(slot_in_table(slot), head);
    }
    // The slot that points to that very entry, or no_slot.
    std::size_t slot_of(const LogEntry& entry, LogPosition position) const noexcept {
        const auto near = near_.slot_of(entry, position);
        if (near != no_slot || far_.empty()) return near;
        return far_slot(far_.slot_of(entry, position));
    }
    // The highest version that it points to of that hash, 0 if there is none.
    storage::Version version_of(std::uint64_t hash, const LogChunks& chunks,
                                LogPosition head) const noexcept {
        const auto near = near_.version_of(hash, chunks, head);
        return far_.empty() ? near : std::max(near, far_.version_of(hash, chunks, head));
    }
    void prefetch(std::uint64_t hash) const noexcept {
        near_.prefetch(hash);
        if (!far_.empty()) far_.prefetch(hash);
    }

    // A key that had none gets the slot. REQUIRES: `slot` is a Probe's `free`.
    void fill(std::size_t slot, std::uint64_t hash, LogPosition position) noexcept {
        table_of(slot).fill(slot_in_table(slot), hash, position);
    }
    void move(std::size_t slot, LogPosition position) noexcept {
        table_of(slot).move(slot_in_table(slot), position);
    }
    void erase(std::size_t slot) noexcept { table_of(slot).erase(slot_in_table(slot)); }

  private:
    static constexpr unsigned alike_most = 16;

    // All near tables of a log of 64 MiB take 128 KiB: a part of a core's own cache.
    static constexpr std::size_t near_slots(std::size_t slots) noexcept {
        return std::clamp<std::size_t>(slots / 128, 8, 8192);
    }
    static constexpr std::size_t if_few(unsigned alike, std::size_t free) noexcept {
        return alike < alike_most ? free : no_slot;
    }
    bool is_near(std::size_t slot) const noexcept { return slot < near_.size(); }
    SlotTable& table_of(std::size_t slot) noexcept { return is_near(slot) ? near_ : far_; }
    const SlotTable& table_of(std::size_t slot) const noexcept {
        return is_near(slot) ? near_ : far_;
    }
    std::size_t slot_in_table(std::size_t slot) const noexcept {
        return is_near(slot) ? slot : slot - near_.size();
    }
    std::size_t far_slot(std::size_t slot) const noexcept {
        return slot == no_slot ? no_slot : near_.size() + slot;
    }

    SlotTable near_;
    SlotTable far_;
};

}  // namespace twincached::replication
