// The memory of large values: runs of 512-byte units in one reserved range of the store, found by
// best fit and joined again when they are freed. What counts against the limit is the pages that
// a run touches; pages that no run touches any more go back to the system.
//
//    pages    |   0   |   1   |   2   |   3   |   4   |   5   |   6   | ...
//    runs     | never |  extent  | free      |extent|  extent   |       beyond the top:
//    counted  |       |   x   |   x   |       |   x  |   x   |         never used, or free
//                                                                  ^ top
//
// Units are smaller than pages so that a value of a little more than a page's multiple does not
// cost a page more; the page at the seam of two runs is counted once, for whichever came first.
//
// From allocation to the system and back:
//
//    free --allocate--> held --last release--> resting (small enough a part of the limit)
//     ^                                   |--> aside   (too large to be given back under a lock)
//     '------------- end_rest, collect ---'--> free    (else)
//
// A freed extent rests for a while, still counted: one of about its size is then had without the
// system's having to find and clear pages again, which costs more than the copying.
//
// An extent begins with a small head that counts its references: one of the item, reservation or
// transfer that owns it, and one of each reader that has pinned it. The last one frees it.
//
// Nothing that gives memory back can fail: what is noted of a free run takes nodes, and those are
// there before the extent is handed out. No two free runs touch, so between two of them lies an
// extent: N extents and R runs can become (N + R) / 2 runs at most, of two nodes each.
//
// Any thread may call any member. The lock within is a leaf: nothing is called under it, so it may
// be taken under a shard's lock.
#pragma once

#include "lib/mutex.hpp"
#include "storage/memory/budget.hpp"
#include "storage/memory/item_form.hpp"
#include "storage/memory/node_pool.hpp"
#include "storage/memory/reservation.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <utility>

namespace twincached::storage {

class Extents {
  public:
    Extents(MemoryBudget& budget, const AddressSpace& space);
    ~Extents();

    // With one reference, the caller's, and capacity for at least so many bytes; 0 if memory does
    // not allow. It is filled by the caller: what it holds now may be what another held before.
    [[nodiscard]] ExtentNumber allocate(std::uint64_t value_bytes) noexcept;
    // REQUIRES: the caller knows that somebody holds a reference meanwhile.
    void retain(ExtentNumber extent) noexcept;
    void release(ExtentNumber extent) noexcept;
    // Has it been pinned, beside the reference of its owner?
    bool is_shared(ExtentNumber extent) const noexcept;

    // REQUIRES of these: somebody holds a reference meanwhile.
    char* data(ExtentNumber extent) const noexcept;
    // Bytes from `data` on.
    std::uint64_t capacity(ExtentNumber extent) const noexcept;
    // What it takes of the limit, within a page.
    std::uint64_t footprint(ExtentNumber extent) const noexcept;

    // Large extents are put aside when they are released, because giving back their pages takes
    // long; this frees them. Call it without any lock. True if there were any.
    bool collect() noexcept;
    // Frees those that rest, because memory is wanted elsewhere.
    void end_rest() noexcept;

    // References beyond those of the owners.
    std::uint64_t pins() const noexcept { return pins_.load(std::memory_order_relaxed); }
    std::uint64_t bytes() const noexcept { return bytes_.load(std::memory_order_relaxed); }

  private:
    using Unit = std::uint32_t;
    using Pair = std::pair<Unit, Unit>;
    using Numbers = std::set<Pair, std::less<>, PoolAllocator<Pair>>;
    // The first 16 bytes of an extent, before its value.
    struct Head {
        std::uint32_t units;
        std::atomic<std::uint32_t> references;  // 0 while it rests or is put aside
        ExtentNumber next_aside;                // of the chain, while it is put aside
        std::uint32_t unused;
    };
    static_assert(sizeof(Head) == 16);

    Head& head(ExtentNumber extent) const noexcept;
    ExtentNumber take_resting(Unit units) noexcept;
    ExtentNumber allocate_fresh(Unit units) noexcept;
    bool rest(ExtentNumber extent) noexcept;
    void put_aside(ExtentNumber extent) noexcept;
    void free(ExtentNumber extent) noexcept;
    bool prepare_nodes(std::size_t more) REQUIRES(mutex_);
    bool extend_top(Unit units) REQUIRES(mutex_);
    bool carve(Unit begin, Unit end, Unit units) REQUIRES(mutex_);
    void join(Unit begin, Unit end) REQUIRES(mutex_);
    void forget_run(Unit begin, Unit end) REQUIRES(mutex_);
    void add_run(Unit begin, Unit end) REQUIRES(mutex_);

    MemoryBudget& budget_;
    Reservation memory_;
    std::atomic<std::uint64_t> bytes_{0};  // taken of the budget
    std::atomic<std::uint64_t> pins_{0};
    std::atomic<ExtentNumber> aside_{0};  // head of the chain of those put aside
    lib::Mutex mutex_;
    NodePool nodes_ GUARDED_BY(mutex_);           // of the three below
    std::uint64_t count_ GUARDED_BY(mutex_) = 0;  // of extents that are not free
    // The free runs below `top_`: no two of them touch, and none touches `top_`.
    // Both name the same runs: one finds neighbours, the other the best fit.
    std::map<Unit, Unit, std::less<>, PoolAllocator<std::pair<const Unit, Unit>>> runs_
        GUARDED_BY(mutex_);                    // begin -> end
    Numbers runs_by_size_ GUARDED_BY(mutex_);  // (size, begin)
    Unit top_ GUARDED_BY(mutex_);
    Numbers resting_ GUARDED_BY(mutex_);  // (size, extent)
    std::uint64_t resting_bytes_ GUARDED_BY(mutex_) = 0;
};

}  // namespace twincached::storage
