// The slabs of one shard: runs of memory of equal size that items are appended to, in one reserved
// range, so that a 32-bit reference finds an item. This class hands out slabs and keeps their
// books; what lies in them, and which has to go, is the table's business. Guarded by the shard's
// lock.
#pragma once

#include "storage/index/index.hpp"
#include "storage/memory/budget.hpp"
#include "storage/memory/item.hpp"
#include "storage/memory/reservation.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

namespace twincached::storage {

using SlabNumber = std::uint32_t;  // 0 = none

// The two queues of S3-FIFO: what is new, and what has come back or was read.
enum class Queue : std::uint8_t { fresh, main };
inline constexpr unsigned queue_count = 2;

enum class SlabState : std::uint8_t { free, open, sealed };

inline constexpr Tick no_tick = std::numeric_limits<Tick>::max();

struct Slab {
    std::uint32_t used = 0;        // bytes appended
    std::uint32_t scanned = 0;     // bytes at the front that a step of eviction has emptied
    std::uint32_t live_bytes = 0;  // of items that are not dead
    std::uint32_t live_items = 0;
    Tick earliest = no_tick;  // no item expires before it,
    Tick latest = 0;          // and none after it; no_tick if one never does
    Tick looked_at = 0;       // when its expired items were last collected
    SlabNumber older = 0;     // neighbours in its queue
    SlabNumber newer = 0;
    SlabState state = SlabState::free;
    Queue queue = Queue::fresh;
    std::uint8_t lifetime = 0;
    bool is_sparse = false;    // stands in the list of sparse slabs
    bool is_draining = false;  // is being emptied just now: must not be freed
};

// A queue of slabs, in the order in which they were opened.
struct SlabQueue {
    SlabNumber oldest = 0;
    SlabNumber newest = 0;
    std::uint64_t bytes = 0;  // of the slabs, and of the extents of their items
};

class Slabs {
  public:
    // REQUIRES: slab_bytes is a power of two.
    Slabs(MemoryBudget& budget, std::uint32_t slab_bytes, const AddressSpace& space);
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
    // Those in use and those kept.
    std::uint64_t count() const noexcept { return count_; }
    std::uint64_t bytes() const noexcept { return count_ * slab_bytes_; }
    std::uint64_t kept() const noexcept { return kept_.size(); }

  private:
    void enqueue(SlabNumber number, Queue queue) noexcept;
    void dequeue(SlabNumber number) noexcept;
    void give_back(SlabNumber number) noexcept;
    [[nodiscard]] SlabNumber take() noexcept;

    MemoryBudget& budget_;
    std::uint32_t slab_bytes_;
    unsigned slab_shift_;
    Reservation memory_;
    std::vector<Slab> slabs_;  // number 0 is never used, so that no item has the reference 0
    std::array<SlabQueue, queue_count> queues_{};
    std::vector<SlabNumber> kept_;    // free, and still counted as ours
    std::vector<SlabNumber> absent_;  // free, their memory given back
    std::uint64_t count_ = 0;
};

}  // namespace twincached::storage
