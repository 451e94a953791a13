// The store: the whole of storage as others see it. A key's hash chooses the shard; under the
// shard's one lock the operation is carried out by whoever is concerned with it:
//
//    clients        ClientReads, ClientWrites
//    replication    Shard                           over the shard's one ShardItems
//    restart        ShardRestart
//    upkeep         ShardItems, step by step
//
// What concerns several shards has classes of its own: memory for whoever lacks it (Reclaimer),
// flushes (Flushes). This one routes, and has more functions than others for being the only one
// that others call.
//
// Any thread may call any member; each takes one shard's lock at a time, never two.
#pragma once

#include "lib/function_ref.hpp"
#include "lib/hash.hpp"
#include "storage/eviction/eviction_listener.hpp"
#include "storage/flushes.hpp"
#include "storage/key.hpp"
#include "storage/locked_shards.hpp"
#include "storage/memory/budget.hpp"
#include "storage/memory/extents.hpp"
#include "storage/memory/pinned_value.hpp"
#include "storage/memory/value_reservation.hpp"
#include "storage/mutation.hpp"
#include "storage/now.hpp"
#include "storage/operations.hpp"
#include "storage/reclaimer.hpp"
#include "storage/shard/shard.hpp"
#include "storage/shard/shard_restart.hpp"
#include "storage/size_classes.hpp"
#include "storage/stats.hpp"
#include "storage/store_options.hpp"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace twincached::storage {

// The address space of the extents, and of each shard's slabs.
struct StoreSpaces {
    AddressSpace extents;
    AddressSpace slabs;
};

class Store {
  public:
    // The sink must outlive the store. Throws std::runtime_error, with a sentence for an operator,
    // if not even the address space for so much memory is to be had.
    Store(const StoreOptions& options, const lib::KeyedHash& hash, MutationSink& sink);

    Key key(std::string_view bytes) const noexcept;
    // Keys hash otherwise from now on. False, and they do not, if it keeps an item, or this is how
    // they hash. REQUIRES: no client may use the store yet.
    bool rehash(const lib::KeyedHash& hash) noexcept;

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

    bool is_large(std::uint64_t value_bytes) const noexcept {
        return value_bytes > limits_.large_value;
    }
    // Would the item, as memcached accounts it, exceed the item size limit?
    bool exceeds_limit(std::size_t key_bytes, std::uint64_t value_bytes,
                       std::uint32_t client_flags) const noexcept;
    // Empty if there is no memory for it. Values that are still arriving hold half of the limit at
    // most, so that clients who never finish theirs cannot take the memory of those who do.
    ValueReservation reserve(std::uint64_t value_bytes, const Now& now) noexcept;
    // REQUIRES: called inside a visitor, with the item it was given, and item.pinnable.
    PinnedValue pin(const ItemView& item) noexcept;

    // --- whole-store operations ------------------------------------------------------------
    // Everything stored before is gone when it returns; what a client stores after it, stays.
    Ticket flush(const Now& now) noexcept;
    // At a later time (flush_all N); a later call replaces an earlier one, 0 takes it back.
    void schedule_flush(std::uint64_t at_steady_ms, const Now& now) noexcept {
        flushes_.schedule(at_steady_ms, now);
    }
    // Moves the limit at run time (cache_memlimit); shrinking happens in steps of maintenance.
    void set_memory_limit(std::uint64_t bytes) noexcept { budget_.set_limit(bytes); }
    std::uint64_t memory_limit() const noexcept { return budget_.limit(); }

    // --- replication -----------------------------------------------------------------------
    unsigned shard_count() const noexcept { return shards_.count(); }
    unsigned shard_of(std::uint64_t hash) const noexcept { return shards_.number_of(hash); }
    unsigned shard_of_bucket(BucketNumber bucket) const noexcept {
        return shard_of(std::uint64_t{bucket} << 48);
    }
    // Calls the visitor with the shard's lock held. It must be short (300 µs), must not throw and
    // must not call the store. Clients who wait for the shard go first.
    void with_shard(unsigned shard, lib::FunctionRef<void(Shard&)> visit) noexcept;
    // As Shard::apply, but with room made on other shards, too, if it must be.
    ApplyOutcome apply(const Record& record, const Now& now) noexcept;
    // Another node's flush: version merges by maximum; the sink is not told.
    void apply_flush(Version version) noexcept;
    Version flush_version() const noexcept { return shards_.flush_version(); }
    // When, as far as upkeep knew; 0: nothing was flushed since the start.
    Tick last_flush() const noexcept { return flushes_.last(); }
    void apply_flush_schedule(std::uint64_t at_steady_ms, Version version) noexcept {
        flushes_.apply_schedule(at_steady_ms, version);
    }
    FlushSchedule flush_schedule() const noexcept { return flushes_.schedule(); }
    // On every shard: whatever it writes from now on is newer.
    void observe(Version version) noexcept { shards_.observe(version); }
    // The highest of all shards.
    std::uint64_t version_time() const noexcept { return shards_.version_time(); }

    // --- warm restart ----------------------------------------------------------------------
    // No other thread may use the store meanwhile.
    using Registers = StoreRegisters;
    Registers registers() const noexcept { return flushes_.registers(); }
    // Before any item. Times are those of the same steady clock, which has gone on.
    void restore(const Registers& registers) noexcept { flushes_.restore(registers); }
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
    Store(const StoreOptions& options, const lib::KeyedHash& hash, MutationSink& sink,
          const StoreSpaces& spaces);
    void prefetch(std::span<const Key> group) noexcept;
    void note_time(const Now& now) noexcept;

    lib::KeyedHash hash_;
    const SizeClasses classes_;
    EvictionListenerPlace eviction_listener_{nullptr};
    MemoryBudget budget_;
    Extents extents_;
    ShardLimits limits_;
    // The shards use what stands before them, and what comes behind uses the shards.
    LockedShards shards_;
    Reclaimer reclaimer_;
    Flushes flushes_;
    std::atomic<Tick> last_tick_{first_tick};  // of any write or upkeep, for reports
};

}  // namespace twincached::storage
