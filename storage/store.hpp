// The store: the whole of storage as others see it. A key's hash chooses the shard; under the
// shard's one lock the operation is carried out by whoever is concerned with it:
//
//    clients        ClientOperations         ClientReads, ClientWrites
//    replication    ReplicationOperations    Shard                        over the shard's one
//    restart        RestartOperations        ShardRestart                 ShardItems
//    upkeep         Store                    ShardItems, step by step
//
// The middle column routes: it is what this class consists of, each part over the same StoreCore.
// What concerns several shards has classes of its own: memory for whoever lacks it (Reclaimer),
// flushes (Flushes).
//
// Any thread may call any member; each takes one shard's lock at a time, never two.
#pragma once

#include "lib/function_ref.hpp"
#include "lib/hash.hpp"
#include "storage/client_operations.hpp"
#include "storage/replication_operations.hpp"
#include "storage/restart_operations.hpp"
#include "storage/stats.hpp"
#include "storage/store_core.hpp"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace twincached::storage {

class Store : public ClientOperations, public ReplicationOperations, public RestartOperations {
  public:
    // As StoreCore.
    Store(const StoreOptions& options, const lib::KeyedHash& hash, MutationSink& sink)
        : ClientOperations(core_),
          ReplicationOperations(core_),
          RestartOperations(core_),
          core_(options, hash, sink) {}

    Key key(std::string_view bytes) const noexcept { return core_.key(bytes); }
    std::uint64_t hash_seed() const noexcept { return core_.hash.seed(); }

    // --- whole-store operations ------------------------------------------------------------
    // Everything stored before is gone when it returns; what a client stores after it, stays.
    Ticket flush(const Now& now) noexcept;
    // At a later time (flush_all N); a later call replaces an earlier one, 0 takes it back.
    void schedule_flush(std::uint64_t at_steady_ms, const Now& now) noexcept {
        core_.flushes.schedule(at_steady_ms, now);
    }
    // Moves the limit at run time (cache_memlimit); shrinking happens in steps of maintenance.
    void set_memory_limit(std::uint64_t bytes) noexcept { core_.budget.set_limit(bytes); }
    std::uint64_t memory_limit() const noexcept { return core_.budget.limit(); }

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
        core_.eviction_listener.store(listener, std::memory_order_relaxed);
    }

  private:
    StoreCore core_;
};

}  // namespace twincached::storage
