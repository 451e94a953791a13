// The slabs of one shard: runs of memory of equal size that items are appended to, in one reserved
// range, so that a 32-bit reference finds an item. This class hands out slabs, takes them back and
// keeps the queues; what lies in them is Table's business, and which has to go, the evictor's.
// Guarded by the shard's lock.
//
//    reference * 8 = slab number * slab_bytes + offset within the slab
#pragma once

#include "storage/memory/item.hpp"
#include "storage/memory/memory_share.hpp"
#include "storage/memory/ref.hpp"
#include "storage/memory/reservation.hpp"
#include "storage/memory/slab.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace twincached::storage {

class Slabs {
  public:
    // REQUIRES: slab_bytes is a power of two.
    Slabs(MemoryShare& share, std::uint32_t slab_bytes, const AddressSpace& space);
    ~Slabs();
    Slabs(const Slabs&) = delete;
    Slabs& operator=(const Slabs&) = delete;

    // An empty slab, open, the newest of that queue; 0 if there is no memory for it.
    SlabNumber open(Queue queue, unsigned lifetime) noexcept;
    // REQUIRES: no live item is in it. One slab is kept for the next `open`.
    void free(SlabNumber number) noexcept;
    // Gives the kept ones back to the store, for whoever needs memory. Returns the bytes.
    std::uint64_t give_back_kept() noexcept;
    // Takes it out of its queue and makes it the newest of that one.
    void move_to_queue(SlabNumber number, Queue queue) noexcept;
    // Takes it out of its queue and makes it the next newer one of `older`, which is in that queue;
    // the oldest of all if that is 0. It counts as queued since it was before. REQUIRES: older !=
    // number.
    void move_behind(SlabNumber number, SlabNumber older, Queue queue) noexcept;

    Slab& operator[](SlabNumber number) noexcept { return slabs_[number]; }
    const Slab& operator[](SlabNumber number) const noexcept { return slabs_[number]; }
    // All numbers are below it.
    SlabNumber end() const noexcept { return static_cast<SlabNumber>(slabs_.size()); }
    SlabQueue& queue(Queue queue) noexcept { return queues_[static_cast<unsigned>(queue)]; }
    const SlabQueue& queue(Queue queue) const noexcept {
        return queues_[static_cast<unsigned>(queue)];
    }

    // The next `bytes` of an open slab. REQUIRES: they fit.
    Item* append(SlabNumber number, std::uint32_t bytes) noexcept;
    std::uint32_t room(SlabNumber number) const noexcept {
        return slab_bytes_ - slabs_[number].used;
    }
    Item* at(Ref ref) const noexcept {
        return reinterpret_cast<Item*>(memory_.base() + std::size_t{ref} * item_alignment);
    }
    Item* at(SlabNumber number, std::uint32_t offset) const noexcept {
        return reinterpret_cast<Item*>(memory_.base() + std::size_t{number} * slab_bytes_ + offset);
    }
    Ref ref_of(const Item* item) const noexcept {
        return static_cast<Ref>(
            static_cast<std::size_t>(reinterpret_cast<const char*>(item) - memory_.base()) /
            item_alignment);
    }
    SlabNumber slab_of(const Item* item) const noexcept {
        return static_cast<SlabNumber>(
            static_cast<std::size_t>(reinterpret_cast<const char*>(item) - memory_.base()) >>
            slab_shift_);
    }

    std::uint32_t slab_bytes() const noexcept { return slab_bytes_; }
    // What lies in all queues, extents included.
    std::uint64_t queued_bytes() const noexcept {
        return queue(Queue::fresh).bytes + queue(Queue::main).bytes + queue(Queue::bulk).bytes;
    }
    // Time as it passes for the queues: one evicted item is one tick of it.
    void count_eviction() noexcept { ++evictions_; }
    std::uint32_t evictions() const noexcept { return evictions_; }
    // Since it became the newest of the queue that it is in, or was in before move_behind.
    std::uint32_t evictions_since_queued(SlabNumber number) const noexcept {
        return evictions_ - slabs_[number].queued_at;
    }
    // Those in use and those kept.
    std::uint64_t count() const noexcept { return count_; }
    std::uint64_t bytes() const noexcept { return count_ * slab_bytes_; }
    std::uint64_t kept() const noexcept { return kept_ != 0 ? 1 : 0; }

  private:
    void enqueue(SlabNumber number, Queue queue) noexcept;
    void dequeue(SlabNumber number) noexcept;
    void join(SlabNumber number, Queue queue) noexcept;
    void give_back(SlabNumber number) noexcept;
    [[nodiscard]] SlabNumber take() noexcept;

    MemoryShare& share_;
    std::uint32_t slab_bytes_;
    unsigned slab_shift_;
    Reservation memory_;
    std::vector<Slab> slabs_;  // number 0 is never used, so that no item has the reference 0
    std::array<SlabQueue, queue_count> queues_{};
    // A slab that is neither open nor sealed is one of these. To free one needs no memory.
    SlabNumber kept_ = 0;          // one at most: free, and still counted as ours
    SlabNumber absent_ = 0;        // the first of those whose memory was given back, by Slab::older
    std::uint32_t evictions_ = 0;  // runs over; only differences count
    std::uint64_t count_ = 0;      // of all but the absent ones; taken of the share
};

}  // namespace twincached::storage
