// How many clients there are and may be: taken by whoever accepts, given back by the sessions'
// threads. Any thread.
#pragma once

#include "app/listeners/address_limit.hpp"

#include <atomic>
#include <cstdint>

namespace twincached::app {

class ConnectionLimit {
  public:
    explicit ConnectionLimit(std::uint64_t most) noexcept : most_(most) {}

    // False if all places are taken.
    bool take() noexcept {
        if (current_.fetch_add(1, std::memory_order_relaxed) >= most_) {
            current_.fetch_sub(1, std::memory_order_relaxed);
            return false;
        }
        accepted_.fetch_add(1, std::memory_order_relaxed);
        return true;
    }
    void give_back() noexcept { current_.fetch_sub(1, std::memory_order_relaxed); }
    void count_rejected() noexcept { rejected_.fetch_add(1, std::memory_order_relaxed); }

    // Within these places, those of each address.
    AddressLimit& addresses() noexcept { return addresses_; }
    const AddressLimit& addresses() const noexcept { return addresses_; }

    bool has_room() const noexcept { return current() < most_; }
    std::uint64_t most() const noexcept { return most_; }
    std::uint64_t current() const noexcept { return current_.load(std::memory_order_relaxed); }
    std::uint64_t accepted() const noexcept { return accepted_.load(std::memory_order_relaxed); }
    std::uint64_t rejected() const noexcept { return rejected_.load(std::memory_order_relaxed); }
    void reset_counts() noexcept {
        accepted_.store(0, std::memory_order_relaxed);
        rejected_.store(0, std::memory_order_relaxed);
        addresses_.reset_counts();
    }

  private:
    const std::uint64_t most_;
    std::atomic<std::uint64_t> current_{0};
    std::atomic<std::uint64_t> accepted_{0};
    std::atomic<std::uint64_t> rejected_{0};
    AddressLimit addresses_;
};

}  // namespace twincached::app
