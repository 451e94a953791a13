// The items of one shard with all that keeps them: table, evictor, collector, books and version
// clock. Everything that is done to a shard is composed of the few steps that are here: find what
// is live, store one item, touch it, remove it. Each that changes something allots the version,
// changes the table and tells the sink in one go (rule R0).
//
// Who composes them, each over one and the same ShardItems:
//
//    ClientReads, ClientWrites    what clients ask for
//    Shard                        what replication does
//    ShardRestart                 how items leave before a restart and come back after it
//
// Plain single-threaded code: it knows no lock, and its tests need no thread. The store's
// LockedShard owns it, and guards it.
#pragma once

#include "storage/eviction/collector.hpp"
#include "storage/eviction/drops.hpp"
#include "storage/eviction/evictor.hpp"
#include "storage/index/table.hpp"
#include "storage/memory/books.hpp"
#include "storage/memory/memory_share.hpp"
#include "storage/operations.hpp"
#include "storage/shard/memory_grant.hpp"
#include "storage/shard/storing.hpp"
#include "storage/version.hpp"

#include <cstdint>

namespace twincached::storage {

// What all shards of a store share, and which of them this is.
struct ShardContext {
    MemoryBudget& budget;
    Extents& extents;
    const SizeClasses& classes;
    const lib::KeyedHash& hash;
    MutationSink& sink;
    unsigned shard = 0;
    unsigned shard_bits = 0;
    std::uint32_t slab_bytes = 0;
    AddressSpace space;  // of the slabs
    bool evict = true;
    const EvictionListenerPlace* evictions = nullptr;
};

struct ShardLimits {
    std::uint64_t item_size = 1ULL << 20;  // as memcached accounts items
    std::uint32_t large_value = 8 << 10;   // a larger value has an extent of its own
};

class ShardItems {
  public:
    ShardItems(const ShardContext& context, VersionClock clock, const ShardLimits& limits);
    ShardItems(const ShardItems&) = delete;
    ShardItems& operator=(const ShardItems&) = delete;

    // --- steps of an operation ---------------------------------------------------------------
    struct Found {
        Item* item = nullptr;
        Miss miss = Miss::none;
    };
    // What has expired or was flushed goes the moment that somebody asks for it.
    Found find_live(const Key& key, const Now& now) noexcept;
    bool is_live(const Item& item, Tick now) const noexcept {
        return !table_.is_flushed(item) && !item.expiry().is_past(now);
    }
    ItemView view(Item& item, std::uint64_t hash) const noexcept;
    bool exceeds_limit(const ItemForm& form, std::uint64_t value_bytes) const noexcept;

    // The item is written, its version is allotted and the sink is told when nothing can fail any
    // more. REQUIRES: storing.old is what the key holds at this moment, or null.
    Stored store(Storing& storing, const Now& now, MemoryGrant& grant) noexcept;
    // `item` may be null: a delete is told even of what is absent here, for another node may have
    // it.
    Ticket remove(const Key& key, Item* item, Version version, Cause cause) noexcept;
    // Nothing is changed, and nobody told, if the expiry is what it was. The item may be another
    // one afterwards; null: it had to go, as if it had been evicted a moment before.
    Ticket touch(Item*& item, const Key& key, Expiry expiry, const Now& now) noexcept;
    // The same without a word to anybody.
    Item* with_expiry(Item* item, const Key& key, Expiry expiry, const Now& now) noexcept;
    // After a use that has raised the item's frequency: rare, and so kept out of its callers.
    [[gnu::cold]] void tell_hint(const Item& item, const Key& key) noexcept;
    void drop(Item& item, std::uint64_t hash, Cause cause, Tick now) noexcept {
        drops_.drop(item, hash, cause, now);
    }
    // The same item by another version, which is no news to anybody. A stub has none.
    void correct(Item& item, std::uint64_t hash, Version version) noexcept;
    // A change that is no step of the above.
    Ticket tell(const Change& change) noexcept { return sink_.on_change(number_, change); }
    // What is not newer is dead from now on.
    void flush(Version version) noexcept;

    // --- upkeep and reports ------------------------------------------------------------------
    // One bounded step: a slab with expired or flushed items, some index buckets, some ghosts. True
    // if there is more to do at once.
    bool upkeep(Tick now) noexcept;
    void add_to(StoreStats& stats, Tick now) const noexcept;

    unsigned number() const noexcept { return number_; }
    const ShardLimits& limits() const noexcept { return limits_; }
    MutationSink& sink() noexcept { return sink_; }
    Extents& extents() noexcept { return extents_; }
    VersionClock& clock() noexcept { return clock_; }
    Books& books() noexcept { return books_; }
    Table& table() noexcept { return table_; }
    const Table& table() const noexcept { return table_; }
    Evictor& evictor() noexcept { return evictor_; }
    // May be asked without the lock.
    const MemoryShare& share() const noexcept { return share_; }

  private:
    Stored prepare_value(Storing& storing, MemoryGrant& grant) noexcept;
    Stored prepare_room(Placement& placement, const Now& now, MemoryGrant& grant) noexcept;
    bool store_in_place(const Storing& storing) noexcept;
    void publish(Storing& storing, Version before, const Now& now) noexcept;

    unsigned number_;
    ShardLimits limits_;
    MutationSink& sink_;
    Extents& extents_;
    VersionClock clock_;  // ahead of the version of every item that it has allotted or observed
    // Each of the following uses those before it.
    MemoryShare share_;
    Books books_;
    Table table_;
    Drops drops_;
    Evictor evictor_;
    Collector collector_;
};

}  // namespace twincached::storage
