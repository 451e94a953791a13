// A table of places in a change log, by half of a key's hash: open addressing.
//
//      slot:  [ half of the hash | low half of the entry's place ]      8 bytes a key
//
// It holds no keys: what it points to is compared. None lies further from the slot that its hash
// names than `way_most`. In the header, for each change of a client's looks here under the shard's
// lock, which guards it.
#pragma once

#include "lib/prefetch.hpp"
#include "replication/changes/log_chunks.hpp"
#include "replication/changes/zeroed_array.hpp"
#include "storage/key.hpp"
#include "storage/version.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace twincached::replication {

class SlotTable {
  public:
    static constexpr std::size_t no_slot = ~std::size_t{0};

    // `slots`: a power of two.
    explicit SlotTable(std::size_t slots) : slots_(make_zeroed<Slot>(slots)), mask_(slots - 1) {}

    static constexpr std::size_t bytes_for(std::size_t slots) noexcept {
        return slots * sizeof(Slot);
    }
    std::size_t size() const noexcept { return mask_ + 1; }
    bool empty() const noexcept { return used_ == 0; }
    // For one key more. Above seven eighths the ways become long.
    bool has_room() const noexcept { return (used_ + 1) * 8 <= size() * 7; }

    struct Probe {
        std::size_t found;  // the key's slot, or no_slot
        std::size_t free;   // if it has none: where it would be; no_slot if that is too far
        unsigned alike;     // others with the same half of a hash
    };
    // Here as below: `chunks` are those of the log, and `head` is where it begins.
    Probe probe(const storage::Key& key, const LogChunks& chunks, LogPosition head) const noexcept {
        const auto fragment = fragment_of(key.hash);
        unsigned alike = 0;
        std::size_t i = fragment & mask_;
        if (empty()) return {no_slot, i, alike};
        for (std::size_t way = 0; way < way_most; ++way, i = (i + 1) & mask_) {
            if (slots_[i].fragment == 0) return {no_slot, i, alike};
            if (slots_[i].fragment != fragment) continue;
            const auto* entry = chunks.at(position_in(i, head));
            if (entry->hash == key.hash && entry->key() == key.bytes) return {i, no_slot, alike};
            ++alike;
        }
        return {no_slot, no_slot, alike};
    }
    LogPosition position_in(std::size_t slot, LogPosition head) const noexcept {
        return head + LogPosition{slots_[slot].place - place_of(head)} * LogChunks::alignment;
    }
    // The slot that points to that very entry, or no_slot.
    std::size_t slot_of(const LogEntry& entry, LogPosition position) const noexcept {
        const auto place = place_of(position);
        const auto fragment = fragment_of(entry.hash);
        std::size_t i = fragment & mask_;
        for (std::size_t way = 0; way < way_most && slots_[i].fragment != 0; ++way) {
            if (slots_[i].place == place && slots_[i].fragment == fragment) return i;
            i = (i + 1) & mask_;
        }
        return no_slot;
    }
    // The highest version that it points to of that hash, 0 if there is none.
    storage::Version version_of(std::uint64_t hash, const LogChunks& chunks,
                                LogPosition head) const noexcept {
        storage::Version version = 0;
        const auto fragment = fragment_of(hash);
        std::size_t i = fragment & mask_;
        for (std::size_t way = 0; way < way_most && slots_[i].fragment != 0; ++way) {
            if (slots_[i].fragment == fragment) {
                const auto* entry = chunks.at(position_in(i, head));
                if (entry->hash == hash) version = std::max(version, entry->version);
            }
            i = (i + 1) & mask_;
        }
        return version;
    }
    void prefetch(std::uint64_t hash) const noexcept {
        lib::prefetch(&slots_[fragment_of(hash) & mask_]);
    }

    // A key that had none gets the slot. REQUIRES: `slot` is a Probe's `free`.
    void fill(std::size_t slot, std::uint64_t hash, LogPosition position) noexcept {
        slots_[slot] = {fragment_of(hash), place_of(position)};
        ++used_;
    }
    void move(std::size_t slot, LogPosition position) noexcept {
        slots_[slot].place = place_of(position);
    }
    // Without marks of deletion: later slots of the run move up. What lies further from the hole
    // than anything may lie from its home need not.
    void erase(std::size_t slot) noexcept {
        std::size_t hole = slot;
        for (std::size_t i = (hole + 1) & mask_;
             slots_[i].fragment != 0 && ((i - hole) & mask_) < way_most; i = (i + 1) & mask_) {
            const std::size_t home = slots_[i].fragment & mask_;
            if (((i - home) & mask_) < ((i - hole) & mask_)) continue;
            slots_[hole] = slots_[i];
            hole = i;
        }
        slots_[hole] = {};
        --used_;
    }

  private:
    static constexpr std::size_t way_most = 2048;

    struct Slot {
        std::uint32_t fragment;  // low half of the hash, 0 = empty
        std::uint32_t place;     // position / alignment, low half
    };
    static std::uint32_t fragment_of(std::uint64_t hash) noexcept {
        const auto fragment = static_cast<std::uint32_t>(hash);
        return fragment == 0 ? 1 : fragment;
    }
    static std::uint32_t place_of(LogPosition position) noexcept {
        return static_cast<std::uint32_t>(position / LogChunks::alignment);
    }

    ZeroedArray<Slot> slots_;
    std::size_t mask_;
    std::size_t used_ = 0;
};

}  // namespace twincached::replication
