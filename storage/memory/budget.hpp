// The store's memory limit (-m) and what is taken of it: slabs, index, ghosts and extents of all
// shards. Any thread may call any member; no lock is needed.
#pragma once

#include <atomic>
#include <cstdint>

namespace twincached::storage {

class MemoryBudget {
  public:
    explicit MemoryBudget(std::uint64_t limit) noexcept : limit_(limit) {}

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
    std::uint64_t excess() const noexcept {
        const std::uint64_t taken = used();
        const std::uint64_t allowed = limit();
        return taken > allowed ? taken - allowed : 0;
    }

  private:
    alignas(64) std::atomic<std::uint64_t> used_{0};
    std::atomic<std::uint64_t> limit_;
};

// What one table of a shard has taken of the budget. A table that grows by a quarter at once may
// find too little left: it then says what it wants, and its shard saves for it, slab by slab.
// Guarded by its shard's lock.
class MemoryAccount {
  public:
    explicit MemoryAccount(MemoryBudget& budget) noexcept : budget_(budget) {}
    ~MemoryAccount() { budget_.give(taken_); }
    MemoryAccount(const MemoryAccount&) = delete;
    MemoryAccount& operator=(const MemoryAccount&) = delete;

    [[nodiscard]] bool take(std::uint64_t bytes) noexcept {
        if (bytes > saved_ && !add(bytes - saved_)) {
            wanted_ = bytes;
            return false;
        }
        saved_ -= bytes;
        wanted_ = 0;
        return true;
    }
    void force(std::uint64_t bytes) noexcept {
        budget_.force(bytes);
        taken_ += bytes;
    }
    void give(std::uint64_t bytes) noexcept {
        budget_.give(bytes);
        taken_ -= bytes;
    }
    // Takes that much towards what is wanted, if it is there.
    void save(std::uint64_t bytes) noexcept { (void)add(bytes); }
    std::uint64_t wanted() const noexcept { return wanted_ > saved_ ? wanted_ - saved_ : 0; }
    void want_nothing() noexcept {
        if (saved_ != 0) give(saved_);
        saved_ = wanted_ = 0;
    }
    std::uint64_t bytes() const noexcept { return taken_; }

  private:
    bool add(std::uint64_t bytes) noexcept {
        if (!budget_.take(bytes)) return false;
        taken_ += bytes;
        saved_ += bytes;
        return true;
    }

    MemoryBudget& budget_;
    std::uint64_t taken_ = 0;  // includes what is saved
    std::uint64_t saved_ = 0;
    std::uint64_t wanted_ = 0;
};

}  // namespace twincached::storage
