// The slabs of one shard that items are being appended to: at most one for each queue and class of
// lifetime, so that items that live about as long lie side by side and their slab dies as a whole.
//
//              1 min   10 min   1 h    4 h   1 day   longer
//    fresh  [         |        | open |     |       | open  ]
//    main   [         |        |      |     |       | open  ]
//    bulk   [         |        |      |     |       |       ]
//
// A shard of few slabs cannot afford one for each: what finds none of its own is appended to the
// nearest that is open. Owned by Table; guarded by the shard's lock.
#pragma once

#include "storage/memory/lifetime.hpp"
#include "storage/memory/slabs.hpp"

#include <array>
#include <cstdint>
#include <vector>

namespace twincached::storage {

// Where an item is to go.
struct Placement {
    std::uint32_t bytes = 0;  // of the slab; a multiple of 8
    Queue queue = Queue::fresh;
    unsigned lifetime = lifetime_count - 1;
    SlabNumber slab = 0;  // found by Table::has_room, for the very next call of Table::place
};

class OpenSlabs {
  public:
    explicit OpenSlabs(Slabs& slabs) noexcept : slabs_(slabs) {}

    // An open slab with room for it, or a new one that is opened; 0 if there is no memory for one.
    SlabNumber with_room(const Placement& placement) noexcept;
    // Seals an open slab.
    void close(SlabNumber number) noexcept;
    // Whose slab takes items of that lifetime: its own, if one is or may be open for it; else the
    // nearest one that has one, a longer one first.
    unsigned lifetime_for(Queue queue, unsigned lifetime) const noexcept;
    // The slab, which is in its queue but not open, takes the place of the one that was open for
    // its queue and lifetime.
    void make_open(SlabNumber number) noexcept;
    // To be called after items of the slab have gone: an empty one is freed, or begun anew if it is
    // open; one with less than half alive becomes sparse.
    void settle(SlabNumber number) noexcept;
    // A sealed slab, not worth keeping for what lives in it; 0 if there is none. It leaves the
    // list.
    SlabNumber take_sparse() noexcept;

  private:
    SlabNumber& open_slab(Queue queue, unsigned lifetime) noexcept {
        return open_[static_cast<unsigned>(queue)][lifetime];
    }

    Slabs& slabs_;
    // A slab stands here exactly while its state is `open`, at its own queue and lifetime.
    std::array<std::array<SlabNumber, lifetime_count>, queue_count> open_{};
    unsigned count_ = 0;  // of those that are not 0
    // Sealed, and mostly dead when they were put here. May name some that have been emptied, and
    // even filled again, since: Slab::is_sparse tells.
    std::vector<SlabNumber> sparse_;
};

}  // namespace twincached::storage
