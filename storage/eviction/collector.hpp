// Takes away what has expired or was flushed and still lies in the slabs, though nobody asks for
// it: in bounded steps, one slab at a time, so that a shard's lock is never held for long.
//
// It does not look at items to find out which have expired, but at slabs: each knows when the first
// and the last of its items expires. A pass goes over all of them, numbers rising:
//
//    slab    1    2    3    4    5    6         a step deals with one slab that is due,
//                      ^ next_    ^ sweep_      and passes over those that are not
//
// and finds out along the way when the next one is due; until then nothing is done. A flush begins
// a sweep: that and every later slab is looked through by the pass, whatever expires in it.
// Evictor does the same with what it meets. One per shard, guarded by its lock.
#pragma once

#include "storage/eviction/drops.hpp"
#include "storage/index/table.hpp"

namespace twincached::storage {

class Collector {
  public:
    Collector(Table& table, Drops& drops, Books& books) noexcept
        : table_(table), drops_(drops), books_(books) {}

    // What is not newer is dead from now on, and is swept away step by step. An older version than
    // that of the last flush changes nothing.
    void flush(Version version) noexcept;
    // One step: collects one slab, or looks at up to 1,024 of them in vain. True if there is more
    // to do at once.
    bool step(Tick now) noexcept;

  private:
    bool is_due(const Slab& slab, Tick now) const noexcept;
    void collect(SlabNumber number, Tick now) noexcept;

    Table& table_;
    Drops& drops_;
    Books& books_;
    SlabNumber sweep_ = 0;     // slabs from here on may hold flushed items; 0: none does
    SlabNumber next_ = 0;      // of the pass; 0: none is under way
    Tick next_due_ = no_tick;  // no item expires before it
    Tick pass_due_ = no_tick;  // the same, being found out by the pass
};

}  // namespace twincached::storage
