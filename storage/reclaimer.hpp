// How a store finds memory across its shards. A shard that lacks memory cannot ask another for it
// under its own lock; so the operation ends, what it lacks is found here, without any lock or under
// one other shard's, and the operation runs again:
//
//    run --lock--> operation --lacking--> provide --+
//     ^                                             |   evict where most is, one bounded step
//     '---------------------------------------------'   after the other
//
// Also for those who want memory before they take a lock: a large value is copied, or received,
// into an extent of its own first. Part of the store. Any thread may call any member, without any
// shard's lock.
#pragma once

#include "storage/locked_shards.hpp"
#include "storage/memory/budget.hpp"
#include "storage/memory/extents.hpp"
#include "storage/memory/value_reservation.hpp"
#include "storage/now.hpp"
#include "storage/shard/memory_grant.hpp"

#include <atomic>
#include <cstdint>
#include <string_view>

namespace twincached::storage {

class Reclaimer {
  public:
    Reclaimer(MemoryBudget& budget, Extents& extents, const LockedShards& shards) noexcept
        : budget_(budget), extents_(extents), shards_(shards) {}

    // Runs an operation on the items of a shard under its lock, as often as it lacks something that
    // can be had. It must answer no_memory while it does. What the grant has left is given back.
    template <class Operation>
    auto run(LockedShard& locked, const Now& now, MemoryGrant& grant, Operation operation) noexcept;
    // Takes an extent for a large value and copies it there, before any lock is taken.
    void grant_filled(MemoryGrant& grant, std::string_view value, const Now& now) noexcept;
    // Empty if there is no memory for it. Values that are still arriving hold half of the limit at
    // most, so that clients who never finish theirs cannot take the memory of those who do.
    ValueReservation reserve(std::uint64_t value_bytes, const Now& now) noexcept;
    // Some bounded steps towards a limit that was lowered. True if there is more to do at once.
    bool shrink(const Now& now) noexcept;

  private:
    struct Effort {
        unsigned futile;    // attempts so far that freed nothing
        unsigned pressure;  // see Evictor::evict_some
    };

    void provide(MemoryGrant& grant, const Now& now) noexcept;
    ExtentNumber allocate(std::uint64_t bytes, const Now& now) noexcept;
    std::uint64_t relieve(std::uint64_t bytes, const Effort& effort, const Now& now) noexcept;
    unsigned largest_shard() const noexcept;

    // How often an operation may ask for more memory before it has to make do.
    static constexpr unsigned attempts_limit = 8;

    MemoryBudget& budget_;
    Extents& extents_;
    const LockedShards& shards_;
    std::atomic<std::uint64_t> reserved_bytes_{0};  // the sizes of all reservations that live
};

template <class Operation>
auto Reclaimer::run(LockedShard& locked, const Now& now, MemoryGrant& grant,
                    Operation operation) noexcept {
    for (unsigned attempt = 1;; ++attempt) {
        grant.lacks_slab = false;
        grant.lacks_extent_bytes = 0;
        const auto result = [&] {
            const lib::ForegroundLock lock(locked.mutex);
            return operation(locked.items);
        }();
        if (!grant.lacks()) {
            if (grant.extent != 0) extents_.release(grant.extent);
            (void)extents_.collect();
            return result;
        }
        provide(grant, now);
        if (attempt == attempts_limit) grant.is_final = true;
    }
}

}  // namespace twincached::storage
