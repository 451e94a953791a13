// The store: shards, routing, and what concerns all shards at once. Any thread may call any
// member; each takes one shard's lock at a time, never two.
#pragma once

#include "lib/courteous_mutex.hpp"
#include "lib/function_ref.hpp"
#include "lib/hash.hpp"
#include "lib/mutex.hpp"
#include "storage/key.hpp"
#include "storage/memory/budget.hpp"
#include "storage/memory/extents.hpp"
#include "storage/mutation.hpp"
#include "storage/now.hpp"
#include "storage/operations.hpp"
#include "storage/shard/shard.hpp"
#include "storage/size_classes.hpp"
#include "storage/stats.hpp"
#include "storage/store_options.hpp"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace twincached::storage {

class Store;

// Keeps a large value in memory after its shard's lock was released, so that it can be sent
// without a copy, even if it is overwritten or deleted meanwhile. Release it soon: eviction
// passes over what is pinned. May be destroyed by any thread, but before the store.
class PinnedValue {
  public:
    PinnedValue() noexcept = default;
    PinnedValue(PinnedValue&& other) noexcept { swap(other); }
    PinnedValue& operator=(PinnedValue&& other) noexcept {
        swap(other);
        return *this;
    }
    ~PinnedValue() {
        if (extents_ != nullptr) extents_->release(extent_);
    }
    std::string_view bytes() const noexcept {
        if (extents_ == nullptr) return {};
        return {extents_->data(extent_), size_};
    }

  private:
    friend class Store;
    PinnedValue(Extents& extents, ExtentNumber extent, std::size_t size) noexcept
        : extents_(&extents), extent_(extent), size_(size) {}
    void swap(PinnedValue& other) noexcept {
        std::swap(extents_, other.extents_);
        std::swap(extent_, other.extent_);
        std::swap(size_, other.size_);
    }

    Extents* extents_ = nullptr;
    ExtentNumber extent_ = 0;  // with a reference of ours
    std::size_t size_ = 0;
};

// Memory for a large value that is still arriving, taken from the store's limit, to be handed to
// Store::write through its bytes. Large = Store::is_large(size). Must not outlive the store.
class ValueReservation {
  public:
    ValueReservation() noexcept = default;
    ValueReservation(ValueReservation&& other) noexcept { swap(other); }
    ValueReservation& operator=(ValueReservation&& other) noexcept {
        swap(other);
        return *this;
    }
    ~ValueReservation() {
        if (extent_ != 0) extents_->release(extent_);
        if (reserved_bytes_ != nullptr) reserved_bytes_->fetch_sub(size_);
    }
    std::span<char> bytes() const noexcept {
        if (extent_ == 0) return {};
        return {extents_->data(extent_), size_};
    }
    explicit operator bool() const noexcept { return extent_ != 0; }

  private:
    friend class Store;
    ValueReservation(Extents& extents, ExtentNumber extent, std::size_t size,
                     std::atomic<std::uint64_t>& reserved_bytes) noexcept
        : extents_(&extents), extent_(extent), size_(size), reserved_bytes_(&reserved_bytes) {}
    void swap(ValueReservation& other) noexcept {
        std::swap(extents_, other.extents_);
        std::swap(extent_, other.extent_);
        std::swap(size_, other.size_);
        std::swap(reserved_bytes_, other.reserved_bytes_);
    }

    Extents* extents_ = nullptr;
    ExtentNumber extent_ = 0;  // owned
    std::size_t size_ = 0;
    std::atomic<std::uint64_t>* reserved_bytes_ = nullptr;  // the store's, size_ is part of it
};

class Store {
  public:
    // The sink must outlive the store.
    Store(const StoreOptions& options, const lib::KeyedHash& hash, MutationSink& sink);
    ~Store();

    Key key(std::string_view bytes) const noexcept;

    // --- clients ---------------------------------------------------------------------------
    // The plain get: marks the access, calls the visitor on a hit. The hot path.
    ReadResult get(const Key& key, const Now& now, ItemVisitor visit) noexcept;
    // The same for many keys, memory latency overlapped: visit(index, item) in order of the keys.
    void get_many(std::span<const Key> keys, const Now& now,
                  lib::FunctionRef<void(std::size_t, const ItemView&)> visit,
                  lib::FunctionRef<void(std::size_t, Miss)> miss) noexcept;
    ReadResult read(const Key& key, const Now& now, const Read& request,
                    ReadVisitor visit) noexcept;
    ReadResult touch(const Key& key, const Now& now, Expiry expiry) noexcept;
    // Looks without leaving a mark and without counting (me, debugging).
    bool peek(const Key& key, const Now& now, ItemVisitor visit) noexcept;
    WriteResult write(const Key& key, const Now& now, const Write& request) noexcept;
    // The value was read straight into `value`; request.value is ignored.
    WriteResult write(const Key& key, const Now& now, const Write& request,
                      ValueReservation value) noexcept;
    ArithmeticResult add(const Key& key, const Now& now, const Arithmetic& request) noexcept;
    RemoveResult remove(const Key& key, const Now& now, const Remove& request) noexcept;
    // A store that failed before it reached `write` (a value too large): memcached drops what the
    // key held, so that nobody reads a value that a client meant to replace.
    void drop_failed_write(const Key& key, const Now& now) noexcept;

    bool is_large(std::uint64_t value_bytes) const noexcept;
    // Would the item, as memcached accounts it, exceed the item size limit?
    bool exceeds_limit(std::size_t key_bytes, std::uint64_t value_bytes,
                       std::uint32_t client_flags) const noexcept;
    // Empty if there is no memory for it. Values that are still arriving hold half of the limit at
    // most, so that clients who never finish theirs cannot take the memory of those who do.
    ValueReservation reserve(std::uint64_t value_bytes, const Now& now) noexcept;
    // REQUIRES: called inside a visitor, with the item it was given, and item.pinnable.
    PinnedValue pin(const ItemView& item) noexcept;

    // As memcached accounts an item, and the id of the class that it would be in there.
    unsigned size_class(std::size_t key_bytes, std::uint64_t value_bytes,
                        std::uint32_t client_flags) const noexcept {
        return classes_.of(accounted_bytes(key_bytes, value_bytes, client_flags));
    }
    const SizeClasses& size_classes() const noexcept { return classes_; }

    // --- whole-store operations ------------------------------------------------------------
    // Everything stored before is gone when it returns; what a client stores after it, stays.
    Ticket flush(const Now& now) noexcept;
    // At a later time (flush_all N); a later call replaces an earlier one.
    void schedule_flush(std::uint64_t at_steady_ms, const Now& now) noexcept;
    // Moves the limit at run time (cache_memlimit); shrinking happens in steps of maintenance.
    void set_memory_limit(std::uint64_t bytes) noexcept;
    std::uint64_t memory_limit() const noexcept;

    // --- replication -----------------------------------------------------------------------
    unsigned shard_count() const noexcept;
    unsigned shard_of(std::uint64_t hash) const noexcept {  // by the top bits
        return shard_bits_ == 0 ? 0 : static_cast<unsigned>(hash >> (64 - shard_bits_));
    }
    unsigned shard_of_bucket(BucketNumber bucket) const noexcept {
        return shard_of(std::uint64_t{bucket} << 48);
    }
    // Calls the visitor with the shard's lock held. It must be short (300 µs), must not throw and
    // must not call the store. Clients who wait for the shard go first.
    void with_shard(unsigned shard, lib::FunctionRef<void(Shard&)> visit) noexcept;
    // As Shard::apply, but with room made on other shards, too, if it must be.
    ApplyOutcome apply(const Record& record, const Now& now) noexcept;
    // The peer's flush: version merges by maximum; the sink is not told.
    void apply_flush(Version version) noexcept;
    Version flush_version() const noexcept;
    // When, as far as upkeep knew; 0: nothing was flushed since the start.
    Tick last_flush() const noexcept { return last_flush_.load(std::memory_order_relaxed); }
    void apply_flush_schedule(std::uint64_t at_steady_ms, Version version) noexcept;
    struct FlushSchedule {
        std::uint64_t at_steady_ms = 0;  // 0 = none
        Version version = 0;
    };
    FlushSchedule flush_schedule() const noexcept;
    void observe(Version version) noexcept;       // on every shard
    std::uint64_t version_time() const noexcept;  // the highest of all shards

    // --- warm restart ----------------------------------------------------------------------
    // No other thread may use the store meanwhile.
    struct Registers {
        std::uint64_t version_time = 0;
        Version flush_version = 0;
        FlushSchedule schedule;
        bool schedule_is_own = false;
    };
    Registers registers() const noexcept;
    // Before any item. Times are those of the same steady clock, which has gone on.
    void restore(const Registers& registers) noexcept;
    // Every item that is worth taking along, also what has expired. The visitor says whether to go
    // on.
    void save(SavedItemVisitor visit) noexcept;
    // Into a store that was empty. What does not fit evicts others, as any insertion does; the sink
    // is told of what comes back, and of what does not stay.
    RestoreOutcome restore(const SavedItem& saved, const Now& now) noexcept;
    // The value was read straight into `value`; saved.value is ignored.
    RestoreOutcome restore(SavedItem saved, const Now& now, ValueReservation value) noexcept;

    // --- walks, upkeep, reports ------------------------------------------------------------
    // Visits items in hash order from `cursor` until `budget` items were seen; returns where to go
    // on, or nothing at the end. Every item that is present during the whole walk is visited at
    // least once, whatever is stored, evicted or grown meanwhile.
    struct Cursor {
        std::uint64_t hash = 0;
    };
    std::optional<Cursor> walk(Cursor cursor, std::size_t budget, const Now& now,
                               ItemVisitor visit) noexcept;
    // One bounded step of upkeep: expiry, growth, shrinking, a scheduled flush. Returns how long
    // it may rest before the next.
    std::chrono::milliseconds maintain(const Now& now) noexcept;

    StoreStats stats() const noexcept;
    void reset_stats() noexcept;
    // Null: nobody. It must not be destroyed before the store's last use.
    void set_eviction_listener(EvictionListener* listener) noexcept {
        eviction_listener_.store(listener, std::memory_order_relaxed);
    }

  private:
    // A lock and what it guards, on cache lines of their own.
    struct alignas(64) Locked {
        Locked(const TableContext& context, VersionClock clock, const ShardLimits& limits)
            : shard(context, clock, limits), unguarded(shard.table()) {}
        // Hints that need no lock.
        void prefetch_bucket(std::uint64_t hash) const noexcept { unguarded.prefetch_bucket(hash); }
        std::uint64_t bytes() const noexcept { return unguarded.bytes(); }

        lib::CourteousMutex mutex;
        Shard shard GUARDED_BY(mutex);
        const Table& unguarded;
    };

    Locked& locked(std::uint64_t hash) const noexcept { return *shards_[shard_of(hash)]; }
    VersionClock new_clock() const noexcept;
    template <class Operation>
    auto supplied(Locked& locked, const Now& now, Supply& supply, Operation operation) noexcept;
    void fill(Supply& supply, std::string_view value, const Now& now) noexcept;
    void prefetch(std::span<const Key> group) noexcept;
    void provide(Supply& supply, const Now& now) noexcept;
    ExtentNumber allocate_extent(std::uint64_t bytes, const Now& now) noexcept;
    struct Effort {
        unsigned futile;    // attempts so far that freed nothing
        unsigned pressure;  // see Table::evict_some
    };
    std::uint64_t relieve(std::uint64_t bytes, const Effort& effort, const Now& now) noexcept;
    unsigned largest_shard() const noexcept;
    Version next_version(const Now& now) noexcept;
    void flush_shards(Version version) noexcept;
    void fire_schedule(const Now& now) noexcept;
    void note_time(const Now& now) noexcept;

    const StoreOptions options_;
    const lib::KeyedHash hash_;
    MutationSink& sink_;
    const SizeClasses classes_;
    EvictionListenerPlace eviction_listener_{nullptr};
    MemoryBudget budget_;
    Extents extents_;
    unsigned shard_bits_;
    ShardLimits limits_;
    std::vector<std::unique_ptr<Locked>> shards_;
    std::atomic<Tick> last_tick_{first_tick};
    std::atomic<Tick> last_flush_{0};
    std::atomic<std::uint64_t> reserved_bytes_{0};  // of values that are still arriving
    mutable lib::Mutex schedule_mutex_;             // never held together with a shard's
    FlushSchedule schedule_ GUARDED_BY(schedule_mutex_);
    bool schedule_is_own_ GUARDED_BY(schedule_mutex_) = false;
};

}  // namespace twincached::storage
