// What the threads of libnats hand to the replication thread: messages, and that a connection has
// ended. Bounded: a thread of libnats that brings more waits, and what piles up behind it is
// limited by libnats and by the broker's flow control. Shared by the link and by whatever libnats
// may still call after the link is gone.
#pragma once

#include "replication/nats/jetstream/wire.hpp"

#include <nats/nats.h>

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

namespace twincached::replication::nats {

struct MessageDeleter {
    void operator()(natsMsg* message) const noexcept { natsMsg_Destroy(message); }
};
using OwnedMessage = std::unique_ptr<natsMsg, MessageDeleter>;

struct Arrival {
    std::uint64_t connection = 0;
    Channel channel = 0;
    OwnedMessage message;  // null: the connection has ended
    std::string why;       // it has
};

class Intake {
  public:
    static constexpr std::size_t bytes_limit = std::size_t{8} << 20;
    static constexpr std::size_t messages_limit = 4096;

    // `wake` is called by threads of libnats, at most once until the next take(). Must not block.
    explicit Intake(std::function<void()> wake) : wake_(std::move(wake)) {}

    // --- threads of libnats ----------------------------------------------------------------------
    // Waits while it is full; the end of a connection never waits.
    void push(Arrival arrival) noexcept;

    // --- the replication thread ------------------------------------------------------------------
    std::optional<Arrival> take();
    // Nobody takes any more, and nobody is woken.
    void close();

  private:
    bool is_full() const noexcept {
        return bytes_ >= bytes_limit || arrivals_.size() >= messages_limit;
    }

    std::mutex mutex_;
    std::condition_variable room_;
    std::function<void()> wake_;
    std::deque<Arrival> arrivals_;
    std::size_t bytes_ = 0;
    bool is_woken_ = false;
    bool is_closed_ = false;
};

}  // namespace twincached::replication::nats
