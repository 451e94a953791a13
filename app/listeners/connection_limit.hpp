// How many clients there are and may be: places are taken by whoever accepts and given back by the
// sessions' threads. Whoever accepts may ask to be woken when there is room again, so that the
// sessions need not know him. Owned by the server. Any thread, but for `set_waker`.
#pragma once

#include "app/listeners/address_limit.hpp"

#include <atomic>
#include <cstdint>
#include <functional>
#include <utility>

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
    // Wakes whoever waits for room.
    void give_back() {
        current_.fetch_sub(1);
        if (is_room_awaited_.load() && is_room_awaited_.exchange(false)) wake_();
    }
    // `wake` is called on the thread that gave a place back, so it must only post. Before the first
    // place is taken.
    void set_waker(std::function<void()> wake) { wake_ = std::move(wake); }
    // The next place that is given back wakes, once. Look for room after it: a place may have been
    // given back before. REQUIRES: a waker.
    void await_room() noexcept { is_room_awaited_.store(true); }
    void stop_waiting() noexcept { is_room_awaited_.store(false); }
    void count_rejected() noexcept { rejected_.fetch_add(1, std::memory_order_relaxed); }

    // Within these places, those of each address.
    AddressLimit& addresses() noexcept { return addresses_; }
    const AddressLimit& addresses() const noexcept { return addresses_; }

    bool has_room() const noexcept { return current_.load() < most_; }
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
    // Set before a place is looked for in vain, read after one was given back: with the strongest
    // order on both sides one of the two sees the other.
    std::atomic<bool> is_room_awaited_{false};
    std::function<void()> wake_;
    AddressLimit addresses_;
};

}  // namespace twincached::app
