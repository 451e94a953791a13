// What the sessions of one thread hold in memory for their clients between two turns: requests
// that are half received and answers that are half sent. One per thread, changed by it alone; any
// thread may read it for reports. With a limit it says when no more may be held.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace twincached::protocol {

class ClientMemory {
  public:
    // memcached keeps an object of about this size for each value that waits to be sent, and its
    // limit is reckoned with it.
    static constexpr std::uint64_t answer_bytes = 640;

    // A buffer whose memory is counted for as long as its owner says how much it holds.
    class Holding {
      public:
        std::size_t bytes() const noexcept { return bytes_; }

      private:
        friend class ClientMemory;
        std::size_t bytes_ = 0;
    };

    // The thread's own share; 0: no limit. Before the first session.
    void set_limit(std::uint64_t bytes) noexcept { limit_ = bytes; }
    bool has_limit() const noexcept { return limit_ != 0; }

    // A session now holds so many bytes of a request, or of an answer.
    void hold_request(Holding& holding, std::size_t bytes) noexcept {
        change(requests_, holding, bytes);
    }
    void hold_answer(Holding& holding, std::size_t bytes) noexcept {
        change(answers_, holding, bytes);
    }

    // Would so many bytes more be within the limit?
    bool has_room_for(std::uint64_t bytes) const noexcept {
        return limit_ == 0 || request_bytes() + answer_bytes_held() + bytes <= limit_;
    }

    // Could they ever be, if everybody else gave way?
    bool could_hold(std::uint64_t bytes) const noexcept { return limit_ == 0 || bytes <= limit_; }

    // What each of those who hold anything may hold when the limit is reached.
    std::uint64_t share() const noexcept {
        return limit_ / std::max<std::uint64_t>(requests() + answers(), 1);
    }

    std::uint64_t requests() const noexcept { return read(requests_.count); }
    std::uint64_t request_bytes() const noexcept { return read(requests_.bytes); }
    std::uint64_t answers() const noexcept { return read(answers_.count); }
    std::uint64_t answer_bytes_held() const noexcept { return read(answers_.bytes); }

  private:
    struct Held {
        std::atomic<std::uint64_t> count{0};
        std::atomic<std::uint64_t> bytes{0};
    };
    static std::uint64_t read(const std::atomic<std::uint64_t>& number) noexcept {
        return number.load(std::memory_order_relaxed);
    }
    // Unsigned arithmetic wraps, so that what was added is taken away again.
    static void raise(std::atomic<std::uint64_t>& number, std::uint64_t by) noexcept {
        number.store(read(number) + by, std::memory_order_relaxed);
    }
    static void change(Held& held, Holding& holding, std::size_t bytes) noexcept {
        if (holding.bytes_ == bytes) return;
        raise(held.count, std::uint64_t{bytes != 0} - std::uint64_t{holding.bytes_ != 0});
        raise(held.bytes, std::uint64_t{bytes} - std::uint64_t{holding.bytes_});
        holding.bytes_ = bytes;
    }

    std::uint64_t limit_ = 0;
    Held requests_;
    Held answers_;
};

}  // namespace twincached::protocol
