// The books of one shard, kept for reports alone: nothing is decided by them. By memcached's size
// classes: what the shard holds and what has left it, counted when items are linked and unlinked;
// and what the shard has done. Guarded by the shard's lock.
#pragma once

#include "storage/memory/item.hpp"
#include "storage/mutation.hpp"
#include "storage/size_classes.hpp"
#include "storage/stats.hpp"

#include <array>
#include <cstdint>

namespace twincached::storage {

class Books {
  public:
    explicit Books(const SizeClasses& classes) noexcept : classes_(classes) {}

    unsigned class_of(const Item& item) const noexcept { return classes_.of(accounted(item)); }
    ClassStats& of(const Item& item) noexcept { return stats_[class_of(item)]; }

    // An item is there, or there no more; with the size that it has at the moment.
    void count_in(const Item& item) noexcept;
    void count_out(const Item& item) noexcept;
    // Why it leaves, if that is this node's own decision.
    void count_drop(const Item& item, Cause cause, Tick now) noexcept;
    void count_no_memory(std::uint64_t accounted) noexcept {
        ++stats_[classes_.of(accounted)].no_memory;
    }
    void count(Work what, std::uint64_t amount = 1) noexcept { work_.add(what, amount); }

    void add_to(StoreStats& stats) const noexcept;
    // What the shard holds is not forgotten, what has happened is.
    void reset() noexcept;

  private:
    static std::uint64_t accounted(const Item& item) noexcept {
        return accounted_bytes(item.key_bytes(), item.value_bytes(), item.client_flags());
    }

    const SizeClasses& classes_;
    // `items` and `bytes` are those of the items in the index, whatever else was reset.
    std::array<ClassStats, size_class_limit> stats_{};
    lib::Tally<Work> work_;
};

}  // namespace twincached::storage
