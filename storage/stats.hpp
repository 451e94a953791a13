// What a store can say of itself. Size classes exist only here: they have memcached's bounds,
// because tools and dashboards know them, whatever the memory really looks like.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace twincached::storage {

inline constexpr unsigned size_class_limit = 64;  // class ids are 1 to 63

struct ClassStats {
    std::uint64_t items = 0;
    std::uint64_t bytes = 0;  // as memcached accounts items (mem_requested)
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
    std::uint64_t oldest_age = 0;    // seconds since last access of an old item of the main queue,
    std::uint64_t oldest_fresh = 0;  // and of the fresh one

    // What adds up over shards; ages do not, the highest stands.
    ClassStats& operator+=(const ClassStats& other) noexcept;
};

struct StoreStats {
    ClassStats total;  // what all classes add up to
    // What belongs to no class.
    std::uint64_t items_ever = 0;
    std::uint64_t memory_limit = 0;
    std::uint64_t memory_used = 0;  // slabs, index, ghosts and extents
    std::uint64_t slab_bytes = 0;
    std::uint64_t index_bytes = 0;
    std::uint64_t ghost_bytes = 0;
    std::uint64_t extent_bytes = 0;
    std::uint64_t slabs = 0;
    std::uint64_t upkeep_steps = 0;
    std::uint64_t bytes_copied_forward = 0;
    std::uint64_t direct_reclaims = 0;  // slabs that a writer had to empty before it could go on
    std::uint64_t compacted_slabs = 0;  // emptied because little in them was alive,
    std::uint64_t rescued = 0;          // and the items that moved for it
    std::uint64_t kept_slabs = 0;       // free ones, at hand for what comes next
    std::uint64_t pinned = 0;
    bool index_is_growing = false;
    std::array<ClassStats, size_class_limit> classes{};

    // To be called once, when all shards have been added.
    void total_up() noexcept;
};

}  // namespace twincached::storage
