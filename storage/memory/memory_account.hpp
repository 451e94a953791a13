// What one table of a shard, its index or its ghosts, has taken of the shard's share. A table that
// grows by a quarter at once may find too little left: it then says what it wants, and its shard
// saves for it, slab by slab, until it is there. Guarded by its shard's lock.
#pragma once

#include "storage/memory/memory_share.hpp"

#include <cstdint>

namespace twincached::storage {

class MemoryAccount {
  public:
    explicit MemoryAccount(MemoryShare& share) noexcept : share_(share) {}
    ~MemoryAccount() { share_.give(taken_); }
    MemoryAccount(const MemoryAccount&) = delete;
    MemoryAccount& operator=(const MemoryAccount&) = delete;

    // Out of what was saved first. If it fails, that much is wanted from now on.
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
        share_.force(bytes);
        taken_ += bytes;
    }
    void give(std::uint64_t bytes) noexcept {
        share_.give(bytes);
        taken_ -= bytes;
    }
    // Takes that much towards what is wanted, if it is there.
    void save(std::uint64_t bytes) noexcept { (void)add(bytes); }
    // What is still to be saved; 0 if nothing is waited for.
    std::uint64_t wanted() const noexcept { return wanted_ > saved_ ? wanted_ - saved_ : 0; }
    // The need has passed: what was saved goes back.
    void want_nothing() noexcept {
        if (saved_ != 0) give(saved_);
        saved_ = wanted_ = 0;
    }
    std::uint64_t bytes() const noexcept { return taken_; }

  private:
    bool add(std::uint64_t bytes) noexcept {
        if (!share_.take(bytes)) return false;
        taken_ += bytes;
        saved_ += bytes;
        return true;
    }

    MemoryShare& share_;
    std::uint64_t taken_ = 0;   // of the share; never below saved_
    std::uint64_t saved_ = 0;   // of it, not in use yet
    std::uint64_t wanted_ = 0;  // by the last take that failed; 0 after one that did not
};

}  // namespace twincached::storage
