// The store's memory limit (-m) and what is taken of it: slabs, index, ghosts and extents of all
// shards. Whoever wants memory takes it here first and asks the system for it then, so that the
// limit is kept at every moment and not merely in the mean. Any thread may call any member; no lock
// is needed: the figures order nothing else, and so all accesses are relaxed.
#pragma once

#include <atomic>
#include <cstdint>

namespace twincached::storage {

class MemoryBudget {
  public:
    explicit MemoryBudget(std::uint64_t limit) noexcept : limit_(limit) {}

    // Nothing is taken if it would exceed the limit.
    [[nodiscard]] bool take(std::uint64_t bytes) noexcept {
        std::uint64_t used = used_.load(std::memory_order_relaxed);
        do {
            if (used + bytes > limit()) return false;
        } while (!used_.compare_exchange_weak(used, used + bytes, std::memory_order_relaxed));
        return true;
    }
    // For the little that must not fail.
    void force(std::uint64_t bytes) noexcept { used_.fetch_add(bytes, std::memory_order_relaxed); }
    void give(std::uint64_t bytes) noexcept { used_.fetch_sub(bytes, std::memory_order_relaxed); }

    std::uint64_t used() const noexcept { return used_.load(std::memory_order_relaxed); }
    std::uint64_t limit() const noexcept { return limit_.load(std::memory_order_relaxed); }
    void set_limit(std::uint64_t limit) noexcept { limit_.store(limit, std::memory_order_relaxed); }
    // How far a limit that was lowered is still exceeded.
    std::uint64_t excess() const noexcept {
        const std::uint64_t taken = used();
        const std::uint64_t allowed = limit();
        return taken > allowed ? taken - allowed : 0;
    }

  private:
    alignas(64) std::atomic<std::uint64_t> used_{0};
    std::atomic<std::uint64_t> limit_;
};

}  // namespace twincached::storage
