// What a store is made with. Nothing in it changes while the store lives but the memory limit,
// which has a function of its own (Store::set_memory_limit).
#pragma once

#include <cstdint>
#include <optional>

namespace twincached::storage {

struct StoreOptions {
    std::uint64_t memory_limit_bytes = 64ULL << 20;    // items, index, ghosts and extents (-m)
    bool evict = true;                                 // false: refuse instead (-M)
    std::uint64_t item_size_limit_bytes = 1ULL << 20;  // as memcached accounts an item (-I)
    unsigned threads = 4;                              // of clients; decides the number of shards
    unsigned shards = 0;                               // 0 = by threads and memory
    std::optional<unsigned> node;       // 0 to 3, in every version; none: CAS uniques 1, 2, 3 ...
    bool huge_pages = false;            // asks the system for them (-L)
    double growth_factor = 1.25;        // of the size classes in reports (-f)
    std::uint32_t chunk_size_min = 48;  // likewise (-n)
};

// How many shards a store with these options will have: what stands beside it, one per shard
// (a replicator's change log), is built first.
unsigned planned_shard_count(const StoreOptions& options) noexcept;

}  // namespace twincached::storage
