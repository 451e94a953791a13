// Which queue an item enters, and which one must give when memory is short. S3-FIFO's, with six
// things that depend on what is asked for:
//
// - The newcomers' share is not a tenth but adapts (FreshShare).
// - So does how long main keeps what is not read again: where newcomers need much, because what is
//   hot moves on, only one of its earlier reads still counts.
// - Main need not wait for what comes back: at first, and whenever hardly anything does, it takes
//   over the oldest newcomers' slabs as they are, until the newcomers have no more than their
//   share; they are the first to give way there. Of a loop that is larger than the memory, or of
//   keys that come back long after they were evicted, a part stays so and hits, where a queue would
//   lose each just before it is asked for.
// - Items much larger than the mean wait in a queue of their own, `bulk`, of which no more than a
//   fifth of the newcomers' share is sure. In one queue, a burst of large values that nobody asks
//   for again would wash out thousands of small ones before they could be read.
// - A key that comes back enters the main queue only if it was away for less time than the oldest
//   of that queue have not been read (MainIdleness): those would otherwise be given up for one that
//   is asked for less often. It is the rule of LIRS (Jiang and Zhang, 2002), and what keeps a loop
//   larger than the memory from displacing itself. Time is counted in evictions.
// - Nor does it enter if it is much larger than the mean: one that displaces many has to be read
//   again first.
//
// What left main leaves a ghost, too, but only to be compared; it has to be read again like any
// newcomer. Owned by the evictor; guarded by the shard's lock.
#pragma once

#include "storage/eviction/fresh_share.hpp"
#include "storage/eviction/ghosts.hpp"
#include "storage/eviction/main_idleness.hpp"
#include "storage/index/table.hpp"

#include <cstdint>

namespace twincached::storage {

// So many times the mean size is much larger, and such a part of it much smaller.
inline constexpr std::uint64_t much_larger = 4;
inline constexpr std::uint64_t much_smaller = 4;

class QueueBalance {
  public:
    QueueBalance(MemoryShare& share, Table& table, const AddressSpace& ghost_space,
                 unsigned shard_bits);

    // Where a new item of so many bytes, those of its extent among them, goes: where the one that
    // it replaces lies, or where its ghost says. Its ghost is forgotten.
    Queue queue_for(std::uint64_t hash, const Item* old, std::uint64_t bytes, Tick now) noexcept;
    // The same if nothing is known of it.
    Queue queue_for_newcomer(std::uint64_t bytes) const noexcept;
    // So many times the mean size, or so many a part of it?
    bool is_larger_than_mean(std::uint64_t bytes, std::uint64_t times) const noexcept {
        return bytes * index_.items() > slabs_.queued_bytes() * times;
    }
    bool is_smaller_than_mean(std::uint64_t bytes, std::uint64_t part) const noexcept {
        return bytes * index_.items() * part < slabs_.queued_bytes();
    }
    // It was read, and has come to main.
    void count_promotion(const Item& item) noexcept {
        share_.count_promotion(item.slab_bytes() + arena_.extent_bytes(item));
    }
    // REQUIRES: the item still lies where it was evicted from.
    void count_eviction(const Item& item, std::uint64_t hash) noexcept;

    // How many of its reads count for an item that stays in main once more, at most: for so many
    // rounds it stays without another one.
    unsigned lasting_reads() const noexcept { return share_.is_moving_on() ? 1 : frequency_limit; }

    // Some of the newcomers' slabs become main's, if main is to take them over; see above.
    void settle_newcomers() noexcept;
    // The oldest slab of the queue that has more than its part, or of the only one that has any; 0
    // if all are empty.
    SlabNumber victim() const noexcept;

    Ghosts& ghosts() noexcept { return ghosts_; }
    const Ghosts& ghosts() const noexcept { return ghosts_; }

  private:
    std::uint64_t newcomers_bytes() const noexcept;
    bool outlives_main(const Ghost& ghost, Tick now) noexcept;
    void make_main(SlabNumber number) noexcept;

    Arena& arena_;  // the table's, as are the next two
    Slabs& slabs_;
    const Index& index_;
    FreshShare share_;
    MainIdleness idleness_;
    SlabNumber last_untried_ = 0;  // became main's last; it may have left since
    Ghosts ghosts_;
};

}  // namespace twincached::storage
