// What a store consists of: its memory, its shards and what concerns several of them. No behaviour
// of its own: the parts of Store, each by one idea, are written over it, as those of a shard are
// over its ShardItems.
//
// The order of the members is that of their dependence: whoever stands below uses what stands
// above. Owned by Store. Any thread may use it, as each member says.
#pragma once

#include "lib/hash.hpp"
#include "storage/eviction/eviction_listener.hpp"
#include "storage/flushes.hpp"
#include "storage/key.hpp"
#include "storage/locked_shards.hpp"
#include "storage/memory/budget.hpp"
#include "storage/memory/extents.hpp"
#include "storage/mutation.hpp"
#include "storage/now.hpp"
#include "storage/reclaimer.hpp"
#include "storage/size_classes.hpp"
#include "storage/store_options.hpp"

#include <atomic>
#include <cstdint>

namespace twincached::storage {

// The address space of the extents, and of each shard's slabs.
struct StoreSpaces {
    AddressSpace extents;
    AddressSpace slabs;
};

struct StoreCore {
    // The sink must outlive it. Throws std::runtime_error, with a sentence for an operator, if not
    // even the address space for so much memory is to be had.
    StoreCore(const StoreOptions& options, const lib::KeyedHash& keyed_hash, MutationSink& sink);
    StoreCore(const StoreOptions& options, const lib::KeyedHash& keyed_hash, MutationSink& sink,
              const StoreSpaces& spaces);

    Key key(std::string_view bytes) const noexcept { return Key::of(bytes, hash); }
    // By whatever changes something, so that reports know about when they are made.
    void note_time(const Now& now) noexcept {
        if (last_tick.load(std::memory_order_relaxed) != now.tick())
            last_tick.store(now.tick(), std::memory_order_relaxed);
    }

    lib::KeyedHash hash;
    const SizeClasses classes;
    EvictionListenerPlace eviction_listener{nullptr};
    MemoryBudget budget;
    Extents extents;
    ShardLimits limits;
    LockedShards shards;
    Reclaimer reclaimer;
    Flushes flushes;
    std::atomic<Tick> last_tick{first_tick};  // of any write or upkeep, for reports
};

}  // namespace twincached::storage
