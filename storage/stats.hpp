// What a store can say of itself, and what is to be known of each of these figures. Size classes
// exist only here: they have memcached's bounds, because tools and dashboards know them, whatever
// the memory really looks like. A new figure is a member or an enumerator and a row here, and the
// line that counts.
#pragma once

#include "lib/counters.hpp"
#include "lib/figure_row.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <iterator>

namespace twincached::storage {

inline constexpr unsigned size_class_limit = 64;  // class ids are 1 to 63

// All members are numbers, and each has a row below.
struct ClassStats {
    std::uint64_t items = 0;
    std::uint64_t bytes = 0;  // as memcached accounts items
    std::uint64_t evicted = 0;
    std::uint64_t evicted_nonzero = 0;  // had an expiry of their own
    std::uint64_t evicted_unfetched = 0;
    std::uint64_t evicted_active = 0;
    std::uint64_t last_evicted_age = 0;  // seconds since its last access
    std::uint64_t expired = 0;           // reclaimed in the background or on access
    std::uint64_t expired_unfetched = 0;
    std::uint64_t no_memory = 0;
    std::uint64_t collected = 0;     // those of `expired` that were found in the background
    std::uint64_t examined = 0;      // looked at in the background
    std::uint64_t kept = 0;          // spared by an eviction: from the fresh queue to the main one,
    std::uint64_t kept_again = 0;    // and from the main queue's end to its front
    std::uint64_t oldest_age = 0;    // seconds since last access of an old item of either queue,
    std::uint64_t oldest_fresh = 0;  // and of the fresh one

    // Over shards, or over classes: see ClassRow.
    ClassStats& operator+=(const ClassStats& other) noexcept;
};

// What a shard has done since the start, or the last reset; of no class.
enum class Work : std::uint8_t {
    items_stored,
    upkeep_steps,
    bytes_copied,     // of items that moved
    direct_reclaims,  // slabs that a writer had to empty before it could go on
    compacted_slabs,  // emptied because little in them was alive,
    rescued,          // and the items that moved for it
    crowded_out,      // evicted because too many others had hashes like theirs
    count_
};

struct StoreStats {
    ClassStats total;  // what all classes add up to
    // What belongs to no class.
    lib::Tally<Work> work{};
    std::uint64_t memory_limit = 0;
    std::uint64_t memory_used = 0;  // slabs, index, ghosts and extents
    std::uint64_t slab_bytes = 0;
    std::uint64_t index_bytes = 0;
    std::uint64_t ghost_bytes = 0;
    std::uint64_t extent_bytes = 0;
    std::uint64_t slabs = 0;
    std::uint64_t kept_slabs = 0;  // free ones, at hand for what comes next
    std::uint64_t pinned = 0;
    bool index_is_growing = false;
    std::array<ClassStats, size_class_limit> classes{};

    std::uint64_t operator[](Work name) const noexcept { return work[name]; }

    // To be called once, when all shards have been added.
    void total_up() noexcept;
};

// --- rows: of one class, under the names of `stats items` ----------------------------------------

struct ClassRow {
    lib::Figure figure;
    std::uint64_t ClassStats::*member;
    // Of several ages the highest stands; everything else adds up.
    bool is_age = false;
};

inline constexpr ClassRow class_rows[] = {
    {lib::gauge("number", "items kept"), &ClassStats::items},
    {lib::gauge("mem_requested", lib::Unit::bytes, "what they take, as memcached accounts it"),
     &ClassStats::bytes},
    {lib::gauge("age_hot", lib::Unit::seconds,
                "since the last access of the oldest of the new items"),
     &ClassStats::oldest_fresh, true},
    {lib::gauge("age", lib::Unit::seconds, "the same, of all"), &ClassStats::oldest_age, true},
    {lib::counter("evicted", "items evicted"), &ClassStats::evicted},
    {lib::counter("evicted_nonzero", "of those, the ones that had an expiry of their own"),
     &ClassStats::evicted_nonzero},
    {lib::gauge("evicted_time", lib::Unit::seconds,
                "between the last access of the item evicted last and its eviction"),
     &ClassStats::last_evicted_age, true},
    {lib::counter("outofmemory", "times that there was no memory for an item"),
     &ClassStats::no_memory},
    {lib::counter("reclaimed", "expired items that were removed, on access or in the background"),
     &ClassStats::expired},
    {lib::counter("expired_unfetched", "of those, the ones that nobody had read"),
     &ClassStats::expired_unfetched},
    {lib::counter("evicted_unfetched", "items evicted that nobody had read"),
     &ClassStats::evicted_unfetched},
    {lib::counter("evicted_active", "items evicted that had been read of late"),
     &ClassStats::evicted_active},
    {lib::counter("crawler_reclaimed", "expired items that were found in the background"),
     &ClassStats::collected},
    {lib::counter("crawler_items_checked", "items that were looked at for it"),
     &ClassStats::examined},
    {lib::counter("moves_to_warm",
                  "items that an eviction spared, from the queue of new items to the main one"),
     &ClassStats::kept},
    {lib::counter("moves_within_lru", "the same, from the main queue's end to its front"),
     &ClassStats::kept_again},
};
static_assert(sizeof(ClassStats) == std::size(class_rows) * sizeof(std::uint64_t),
              "every member has a row");

// --- rows: of the store, under the names of `stats` ----------------------------------------------

template <auto of_class>
std::string in_total(const StoreStats& stats) {
    return lib::member<of_class>(stats.total);
}

// First what memcached knows, then what is ours.
inline constexpr lib::FigureRow<StoreStats> store_rows[] = {
    {lib::gauge("limit_maxbytes", lib::Unit::bytes,
                "what items, index and all else of the store may take together (`-m`)"),
     lib::member<&StoreStats::memory_limit>},
    {lib::gauge("hash_bytes", lib::Unit::bytes, "what the index takes"),
     lib::member<&StoreStats::index_bytes>},
    {lib::gauge("hash_is_expanding", "1 while the index grows"),
     lib::member<&StoreStats::index_is_growing>},
    {lib::counter("slab_reassign_rescues",
                  "items that moved because their slab was emptied for holding little else"),
     lib::counted<Work::rescued>},
    {lib::counter("slabs_moved", "slabs emptied because little in them was alive"),
     lib::counted<Work::compacted_slabs>},
    {lib::counter("lru_maintainer_juggles", "steps of upkeep"), lib::counted<Work::upkeep_steps>},
    {lib::gauge("bytes", lib::Unit::bytes, "what items take, as memcached accounts it"),
     in_total<&ClassStats::bytes>},
    {lib::gauge("curr_items", "items kept"), in_total<&ClassStats::items>},
    {lib::counter("total_items", "items ever stored"), lib::counted<Work::items_stored>},
    {lib::gauge("slab_global_page_pool", "empty slabs kept at hand"),
     lib::member<&StoreStats::kept_slabs>},
    {lib::counter("expired_unfetched", "expired items that nobody had read"),
     in_total<&ClassStats::expired_unfetched>},
    {lib::counter("evicted_unfetched", "items evicted that nobody had read"),
     in_total<&ClassStats::evicted_unfetched>},
    {lib::counter("evicted_active", "items evicted that had been read of late"),
     in_total<&ClassStats::evicted_active>},
    {lib::counter("evictions", "items evicted to make room"), in_total<&ClassStats::evicted>},
    {lib::counter("reclaimed", "expired items that were removed, on access or in the background"),
     in_total<&ClassStats::expired>},
    {lib::counter("crawler_reclaimed", "of those, the ones found in the background"),
     in_total<&ClassStats::collected>},
    {lib::counter("crawler_items_checked", "items that were looked at for it"),
     in_total<&ClassStats::examined>},
    {lib::counter("moves_to_warm",
                  "items that an eviction spared, from the queue of new items to the main one"),
     in_total<&ClassStats::kept>},
    {lib::counter("moves_within_lru", "the same, from the main queue's end to its front"),
     in_total<&ClassStats::kept_again>},
    {lib::counter("direct_reclaims",
                  "slabs that a write had to empty before there was room for it"),
     lib::counted<Work::direct_reclaims>},
    {lib::counter("crowded_out",
                  "of the evictions, those for having a hash that too many others have: keys made "
                  "for it, as a rule"),
     lib::counted<Work::crowded_out>},
    {lib::gauge("memory_used", lib::Unit::bytes,
                "what slabs, index, ghosts and extents take of `limit_maxbytes`"),
     lib::member<&StoreStats::memory_used>},
    {lib::gauge("slab_bytes", lib::Unit::bytes, "what slabs take"),
     lib::member<&StoreStats::slab_bytes>},
    {lib::gauge("ghost_bytes", lib::Unit::bytes, "what the memory of evicted keys takes"),
     lib::member<&StoreStats::ghost_bytes>},
    {lib::gauge("extent_bytes", lib::Unit::bytes, "what values too large for a slab take"),
     lib::member<&StoreStats::extent_bytes>},
    {lib::counter("bytes_copied_forward", lib::Unit::bytes,
                  "of items that were worth keeping when their slab was emptied"),
     lib::counted<Work::bytes_copied>},
    {lib::gauge("pinned_values", "large values that are being sent, and kept for that long"),
     lib::member<&StoreStats::pinned>},
};
static_assert(lib::without_row<Work>(store_rows) == 0);

}  // namespace twincached::storage
