// Where the items of one shard lie: in its slabs, and the values of large ones in extents. It
// places items, rewrites, moves and buries them, and keeps what is counted of them in step: the
// slabs' own numbers, the queues' bytes, the shard's share of memory and its books. How an item is
// found is Table's knowledge: an item is alive from `take_over` to `bury`, and that is while the
// index names it. Guarded by the shard's lock.
#pragma once

#include "lib/function_ref.hpp"
#include "storage/memory/books.hpp"
#include "storage/memory/extents.hpp"
#include "storage/memory/item.hpp"
#include "storage/memory/memory_share.hpp"
#include "storage/memory/open_slabs.hpp"
#include "storage/memory/slabs.hpp"

#include <cstdint>
#include <utility>

namespace twincached::storage {

// What an arena uses and does not own; all of it outlives the arena.
struct ArenaParts {
    MemoryShare& share;
    Extents& extents;
    Books& books;
};

class Arena {
  public:
    Arena(const ArenaParts& parts, std::uint32_t slab_bytes, const AddressSpace& space);

    Item* at(Ref ref) const noexcept { return slabs_.at(ref); }
    Ref ref_of(const Item* item) const noexcept { return slabs_.ref_of(item); }
    // Valid while the item is not changed; a large one's longer, if its extent is retained.
    const char* value_of(const Item& item) const noexcept {
        return item.is_large() ? extents_.data(item.extent()) : item.value_in_slab();
    }
    // What it takes beside its slab.
    std::uint64_t extent_bytes(const Item& item) const noexcept {
        return item.is_large() ? extents_.footprint(item.extent()) : 0;
    }
    Queue queue_of(const Item& item) const noexcept { return slabs_[slabs_.slab_of(&item)].queue; }
    // Live items, queue by queue, those first that have been there longest. The visitor must change
    // nothing and says whether to go on; so does the result.
    bool visit_by_age(lib::FunctionRef<bool(const Item&, Queue)> visit) const noexcept;

    // Everything but the value, which is then to be written. REQUIRES: placement.slab has room.
    Item* place(const Placement& placement, const ItemForm& form) noexcept;
    // A placed item is alive from now on. `old` is what it replaces, or null: an extent that both
    // have is then held once more, so that burying the old one leaves it.
    void take_over(const Item& item, const Item* old) noexcept;
    // Writes all but the value over a live item of the same key, if that loses neither room nor the
    // order by expiry. REQUIRES: form.key does not lie in the item.
    bool rewrite(Item* item, const ItemForm& form) noexcept;
    void set_expiry(Item& item, Expiry expiry) noexcept;
    // The earliest expiry that was given to any item since the last call; no_tick if none was.
    Tick take_noted_expiry() noexcept { return std::exchange(noted_expiry_, no_tick); }

    // It is alive no more; its extent, if it has one, is released.
    void bury(Item* item) noexcept;
    // To where the placement says, as large as it must be; null if there is no room.
    Item* copy(const Item& item, Placement placement) noexcept;
    // Its copy is alive in its place. The slab that it leaves is not settled.
    void bury_copied(Item* item, const Item& copy) noexcept;
    // To that offset of its own slab, at or below where it lies, over what has left.
    Item* slide(Item* item, std::uint32_t offset) noexcept;
    // Counts its extent, if it has one, for the other queue.
    void move_extent(const Item& item, Queue from, Queue to) noexcept;

    // For those who decide what stays: Evictor and Collector.
    Slabs& slabs() noexcept { return slabs_; }
    const Slabs& slabs() const noexcept { return slabs_; }
    OpenSlabs& open_slabs() noexcept { return open_; }

  private:
    void count_in(const Item& item) noexcept;
    void count_out(const Item& item) noexcept;
    void bury_in_slab(SlabNumber number, Item* item) noexcept;
    void note_expiry(SlabNumber number, Expiry expiry) noexcept;

    MemoryShare& share_;
    Extents& extents_;
    Books& books_;
    Slabs slabs_;
    OpenSlabs open_;
    Tick noted_expiry_ = no_tick;
};

}  // namespace twincached::storage
