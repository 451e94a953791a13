// What one shard has taken of the store's budget: the sum of its slabs, index, ghosts and the
// extents of its items. Whoever looks for memory asks every shard for it, without any lock, and
// turns to the one that has most. Changed under the shard's lock only.
#pragma once

#include "storage/memory/budget.hpp"

#include <atomic>
#include <cstdint>

namespace twincached::storage {

class MemoryShare {
  public:
    // `shard_bits`: the store has 2 to the power of it shards.
    MemoryShare(MemoryBudget& budget, unsigned shard_bits) noexcept
        : budget_(budget), shard_bits_(shard_bits) {}
    MemoryShare(const MemoryShare&) = delete;
    MemoryShare& operator=(const MemoryShare&) = delete;

    [[nodiscard]] bool take(std::uint64_t bytes) noexcept {
        if (!budget_.take(bytes)) return false;
        add(bytes);
        return true;
    }
    // For the little that must not fail.
    void force(std::uint64_t bytes) noexcept {
        budget_.force(bytes);
        add(bytes);
    }
    void give(std::uint64_t bytes) noexcept {
        budget_.give(bytes);
        subtract(bytes);
    }
    // Extents are taken of the budget by the store; they are the shard's while its items own them.
    void add(std::uint64_t bytes) noexcept { set(this->bytes() + bytes); }
    void subtract(std::uint64_t bytes) noexcept { set(this->bytes() - bytes); }

    // Is it so far below an equal part of the limit that others should make room for it?
    bool is_poor() const noexcept {
        const std::uint64_t part = budget_.limit() >> shard_bits_;
        return bytes() < part - part / 8;
    }
    // May be called without the lock.
    std::uint64_t bytes() const noexcept { return bytes_.load(std::memory_order_relaxed); }

  private:
    void set(std::uint64_t bytes) noexcept { bytes_.store(bytes, std::memory_order_relaxed); }

    MemoryBudget& budget_;
    unsigned shard_bits_;
    std::atomic<std::uint64_t> bytes_{0};
};

}  // namespace twincached::storage
