// Which queue an item enters, and which one must give when memory is short. S3-FIFO's, with three
// things that depend on what is asked for:
//
// - The newcomers' share is not a tenth but adapts (FreshShare).
// - Items much larger than the mean wait in a queue of their own, `bulk`, of which no more than a
//   fifth of the newcomers' share is sure. In one queue, a burst of large values that nobody asks
//   for again would wash out thousands of small ones before they could be read.
// - A key that comes back enters the main queue only if it was away for less time than the oldest
//   of that queue have been in it: those would otherwise be given up for one that is asked for less
//   often. It is the rule of LIRS (Jiang and Zhang, 2002), and what makes a loop larger than the
//   memory hit at all. Time is counted in evictions.
//
// What left main leaves a ghost, too, but only to be compared; it has to be read again like any
// newcomer. Owned by the evictor; guarded by the shard's lock.
#pragma once

#include "storage/eviction/fresh_share.hpp"
#include "storage/eviction/ghosts.hpp"
#include "storage/index/table.hpp"

#include <cstdint>

namespace twincached::storage {

class QueueBalance {
  public:
    QueueBalance(MemoryShare& share, Table& table, const AddressSpace& ghost_space,
                 unsigned shard_bits);

    // Where a new item of so many bytes, those of its extent among them, goes: where the one that
    // it replaces lies, or where its ghost says. Its ghost is forgotten.
    Queue queue_for(std::uint64_t hash, const Item* old, std::uint64_t bytes) noexcept;
    // The same if nothing is known of it.
    Queue queue_for_newcomer(std::uint64_t bytes) const noexcept;
    // REQUIRES: the item still lies where it was evicted from.
    void count_eviction(const Item& item, std::uint64_t hash) noexcept;

    // The oldest slab of the queue that has more than its part, or of the only one that has any; 0
    // if all are empty.
    SlabNumber victim() const noexcept;

    Ghosts& ghosts() noexcept { return ghosts_; }
    const Ghosts& ghosts() const noexcept { return ghosts_; }

  private:
    std::uint64_t newcomers_bytes() const noexcept;
    bool outlives_main(const Ghost& ghost) const noexcept;

    Arena& arena_;  // the table's, as are the next two
    Slabs& slabs_;
    const Index& index_;
    FreshShare share_;
    Ghosts ghosts_;
};

}  // namespace twincached::storage
