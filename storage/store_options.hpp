// What a store is made with: what an operator may decide of it, and what its surroundings tell it.
// Nothing in it changes while the store lives but the memory limit, which has a function of its
// own (Store::set_memory_limit).
#pragma once

#include "lib/option_row.hpp"
#include "lib/option_value.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace twincached::storage {

// Members without a value have their default in their row: start from default_store_options().
struct StoreOptions {
    std::uint64_t memory_limit_bytes{};     // items, index, ghosts and extents (-m)
    bool evict{};                           // false: refuse instead (-M)
    std::uint64_t item_size_limit_bytes{};  // as memcached accounts an item (-I)
    double growth_factor{};                 // of the size classes in reports (-f)
    std::uint32_t chunk_size_min{};         // likewise (-n)
    bool huge_pages{};                      // asks the system for them (-L)

    // Of the surroundings; no rows.
    bool lock_memory = false;      // what is used must not be paged out, as far as that may be (-k)
    unsigned threads = 1;          // of clients; decides the number of shards
    unsigned shards = 0;           // 0 = by threads and memory
    std::optional<unsigned> node;  // 0 to 3, in every version; none: CAS uniques 1, 2, 3 ...
};

std::span<const lib::OptionRow> store_option_rows() noexcept;

inline StoreOptions default_store_options() {
    return lib::option_defaults<StoreOptions>(store_option_rows());
}

// Item sizes that do not fit the memory, in memcached's words.
std::vector<lib::OptionProblem> problems_of(const StoreOptions& options);

// How many shards a store with these options will have: what stands beside it, one per shard
// (a replicator's change log), is built first.
unsigned planned_shard_count(const StoreOptions& options) noexcept;

}  // namespace twincached::storage
