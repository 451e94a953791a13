// The items of one shard: where they lie, how they are found, and which of them have to go when
// memory is needed or their time is over. It joins slabs, index, ghosts and extents, keeps the
// books for reports, and tells the mutation sink what it dropped by itself. It knows no commands:
// that is Shard's business. Guarded by the shard's lock.
//
// Eviction is S3-FIFO over slabs: what is new enters the fresh queue, a tenth of the memory. The
// oldest slab of the queue whose turn it is gets drained: items that were read are copied to the
// main queue, the others leave, those of the fresh queue into the ghosts. A new item whose ghost is
// remembered enters the main queue at once.
#pragma once

#include "lib/hash.hpp"
#include "storage/eviction/eviction_listener.hpp"
#include "storage/eviction/ghosts.hpp"
#include "storage/index/index.hpp"
#include "storage/key.hpp"
#include "storage/memory/extents.hpp"
#include "storage/memory/item.hpp"
#include "storage/memory/slabs.hpp"
#include "storage/mutation.hpp"
#include "storage/shard/lifetime.hpp"
#include "storage/size_classes.hpp"

#include <array>
#include <atomic>
#include <cstdint>
#include <optional>
#include <vector>

namespace twincached::storage {

// What all shards of a store share.
struct TableContext {
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

class Table {
  public:
    explicit Table(const TableContext& context);

    // --- finding -----------------------------------------------------------------------------
    // Also what has expired or was flushed but still lies there; null if the key is absent.
    Item* find(const Key& key) const noexcept {
        const Ref ref = index_.find(
            key.hash, [&](Ref candidate) { return slabs_.at(candidate)->key() == key.bytes; });
        return ref == 0 ? nullptr : slabs_.at(ref);
    }
    // Calls the visitor with the items of exactly that hash.
    void find_hash(std::uint64_t hash, lib::FunctionRef<void(Item&)> visit) const noexcept;
    void prefetch_bucket(std::uint64_t hash) const noexcept { index_.prefetch(hash); }
    void prefetch_item(std::uint64_t hash) const noexcept;
    // Calls the visitor with the items of one index bucket, which may have other hashes than that
    // one, and returns the hash to go on with; see Index::visit.
    using HashedVisitor = lib::FunctionRef<void(Item&, std::uint64_t)>;
    std::optional<std::uint64_t> visit(std::uint64_t hash, HashedVisitor visit) const noexcept;
    // Live items, queue by queue, those first that have been there longest. The visitor must change
    // nothing and says whether to go on; so does the result.
    bool visit_by_age(lib::FunctionRef<bool(const Item&, Queue)> visit) const noexcept;
    const char* value_of(const Item& item) const noexcept {
        return item.is_large() ? extents_.data(item.extent()) : item.value_in_slab();
    }
    bool is_flushed(const Item& item) const noexcept {
        return (item.is_stub() ? item.birth() : item.version()) <= flush_version_;
    }

    // --- storing -----------------------------------------------------------------------------
    struct Placement {
        std::uint32_t bytes = 0;
        Queue queue = Queue::fresh;
        unsigned lifetime = lifetime_count - 1;
        SlabNumber slab = 0;  // found by has_room, for the very next call of `place`
    };
    // Where a new item goes: where the one that it replaces lies, or where its ghost says.
    Queue queue_for(std::uint64_t hash, const Item* old) noexcept;
    // Takes more of the store's memory if there is any; moves nothing.
    bool has_room(Placement& placement) noexcept;
    // Evicts (or, where that is forbidden, compacts) until there is room. Items may have moved or
    // gone: whoever held a pointer must look again.
    bool make_room(const Placement& placement, Tick now) noexcept;
    // One bounded step that frees memory for whoever needs it: up to a slab, or extents of so many
    // bytes. Returns what was freed. `pressure` above 0 spares ever fewer items.
    std::uint64_t evict_some(std::uint64_t bytes, unsigned pressure, Tick now) noexcept;
    // Is it so far below its part of the store that others should make room for it?
    bool is_poor() const noexcept;

    // First `place`, then write the value, then `link`. REQUIRES: has_room(placement).
    Item* place(const Placement& placement, const ItemForm& form) noexcept;
    // `old` is what it replaces, or null; an extent that both have passes to the new one.
    void link(Item* item, std::uint64_t hash, Item* old) noexcept;
    // Writes all but the value over an item of the same key, if that loses neither room nor the
    // order by expiry. REQUIRES: form.key does not lie in the item.
    bool rewrite(Item* item, const ItemForm& form) noexcept;
    void set_expiry(Item& item, Expiry expiry) noexcept;

    // --- removing ----------------------------------------------------------------------------
    // Without a word to the sink.
    void remove(Item* item, std::uint64_t hash) noexcept;
    // By this node's own decision: counted, and the sink is told.
    void drop(Item* item, std::uint64_t hash, Cause cause, Tick now) noexcept;
    // What is not newer is dead from now on, and is swept away step by step.
    void flush(Version version) noexcept;
    Version flush_version() const noexcept { return flush_version_; }

    // --- upkeep and reports ------------------------------------------------------------------
    // One bounded step: a slab with expired or flushed items, some index buckets. True if there is
    // more to do at once.
    bool upkeep(Tick now) noexcept;
    void count_no_memory(std::uint64_t accounted) noexcept;
    void add_to(StoreStats& stats, Tick now) const noexcept;
    void reset_stats() noexcept;
    // May be called without the lock.
    std::uint64_t bytes() const noexcept { return bytes_.load(std::memory_order_relaxed); }

  private:
    enum class Purpose : std::uint8_t {
        evict,    // those worth keeping move to the main queue, the rest leaves
        compact,  // all live ones move, within their queue
        collect,  // only expired and flushed ones leave, the rest stays where it is
    };
    struct Drain {
        SlabNumber slab = 0;
        Purpose purpose = Purpose::evict;
        Tick now = 0;
        unsigned pressure = 0;         // the higher, the more often must an item have been read
        std::uint64_t wanted = 0;      // stop when so much was freed; 0: empty the whole slab
        std::uint64_t freed = 0;       // bytes of extents
        bool is_dense = false;         // it held more than the heads of large items at first
        std::uint32_t slid_bytes = 0;  // of items that had to stay, moved to the slab's front
        Tick earliest = no_tick;       // of the items that stay
        Tick latest = 0;
    };
    struct Candidate {
        std::uint32_t offset;
        std::uint64_t hash;
    };

    std::uint64_t hash_of(const Item& item) const noexcept { return context_.hash(item.key()); }
    std::uint64_t accounted(const Item& item) const noexcept;
    ClassStats& stats_of(const Item& item) noexcept {
        return stats_[context_.classes.of(accounted(item))];
    }
    std::uint64_t footprint(const Item& item) const noexcept {
        return item.is_large() ? extents_.footprint(item.extent()) : 0;
    }
    void count_in(const Item& item) noexcept;
    void count_out(const Item& item) noexcept;
    void bury(Item* item) noexcept;
    void bury_in_slab(SlabNumber number, Item* item) noexcept;
    void tell_sink(const Item& item, std::uint64_t hash, Cause cause) noexcept;
    void tell_listener(const Item& item, Tick now) const noexcept;
    void count_drop(const Item& item, Cause cause, Tick now) noexcept;
    void note_expiry(Slab& slab, Expiry expiry) noexcept;
    void adjust_index() noexcept;
    void publish_bytes() noexcept;

    SlabNumber& open_slab(Queue queue, unsigned lifetime) noexcept {
        return open_[static_cast<unsigned>(queue)][lifetime];
    }
    unsigned lifetime_for(const Placement& placement) const noexcept;
    SlabNumber slab_with_room(const Placement& placement) noexcept;
    void close(SlabNumber number) noexcept;
    void make_open(SlabNumber number) noexcept;
    void settle(SlabNumber number) noexcept;

    bool gain_slab(unsigned pressure, Tick now) noexcept;
    void save_for_tables(Tick now) noexcept;
    bool compact(SlabNumber number, Tick now) noexcept;
    std::uint64_t evict_oldest(std::uint64_t bytes, unsigned pressure, Tick now) noexcept;
    SlabNumber next_sparse() noexcept;
    SlabNumber most_dead() const noexcept;
    SlabNumber victim() const noexcept;
    void drain(Drain& job) noexcept;
    void finish(const Drain& job) noexcept;
    void judge(Drain& job, const Candidate& candidate) noexcept;
    bool is_worth_keeping(const Item& item, const Drain& job) const noexcept;
    unsigned reads_for_size(const Item& item) const noexcept;
    void move_extent(const Item& item, Queue from, Queue to) noexcept;
    bool copy_forward(Drain& job, Item* item, std::uint64_t hash) noexcept;
    void slide(Drain& job, Item* item, std::uint64_t hash) noexcept;
    void stay(Drain& job, const Item& item) noexcept;
    bool is_due(const Slab& slab, Tick now) const noexcept;
    bool collect_next(Tick now) noexcept;
    void add_ages(StoreStats& stats, Queue queue, Tick now) const noexcept;

    TableContext context_;
    Extents& extents_;
    Slabs slabs_;
    Index index_;
    Ghosts ghosts_;
    std::array<std::array<SlabNumber, lifetime_count>, queue_count> open_{};
    unsigned open_count_ = 0;
    std::vector<SlabNumber> sparse_;  // sealed, and mostly dead when they were put here

    Version flush_version_ = 0;
    SlabNumber sweep_ = 0;     // from here on slabs may hold flushed items; 0: none does
    SlabNumber collect_ = 0;   // where the pass over expired items is; 0: none is under way
    Tick next_due_ = no_tick;  // no item expires before it
    Tick pass_due_ = no_tick;  // the same, being found out by the pass

    std::array<ClassStats, size_class_limit> stats_{};
    std::uint64_t items_ever_ = 0;
    std::uint64_t upkeep_steps_ = 0;
    std::uint64_t copied_bytes_ = 0;
    std::uint64_t direct_reclaims_ = 0;
    std::uint64_t compacted_slabs_ = 0;
    std::uint64_t rescued_ = 0;
    std::uint64_t extent_bytes_ = 0;  // of its items
    std::atomic<std::uint64_t> bytes_{0};
};

}  // namespace twincached::storage
