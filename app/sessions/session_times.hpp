// When a session last got on, for whoever ends those that make others wait (IoThread) or hold
// memory that others need (SessionPoller): it is told what was received and sent, and judges
// nothing. Ticks are seconds of the server's clock. Owned by its session; its io thread alone calls
// it, but for last_active(), which any thread may read.
#pragma once

#include "storage/now.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace twincached::app {

class SessionTimes {
  public:
    // Bytes of a long request that must come within the time that a request may take.
    static constexpr std::uint32_t least_progress = 64 * 1024;

    explicit SessionTimes(storage::Tick now) noexcept
        : last_active_(now), request_since_(now), last_taken_(now) {}

    void received(std::size_t bytes, storage::Tick now) noexcept {
        last_active_.store(now, std::memory_order_relaxed);
        received_since_ += static_cast<std::uint32_t>(bytes);
    }
    // It waits for the peer; said again, it goes on waiting.
    void wait(std::uint64_t steady_ms) noexcept {
        if (waits_since_ms_ == 0) waits_since_ms_ = steady_ms;
    }
    void end_wait() noexcept { waits_since_ms_ = 0; }
    // The client has taken something of an answer.
    void sent() noexcept { has_sent_ = true; }
    // `finished_requests`: of the conversation, so far. `at_boundary`: no request is half received.
    void end_turn(std::uint32_t finished_requests, bool at_boundary, storage::Tick now) noexcept {
        // A request that comes in bits is measured from its beginning, not from its last bit; a
        // long one must come at a certain rate.
        has_got_on_ =
            at_boundary || finished_requests != requests_seen_ || received_since_ >= least_progress;
        if (has_got_on_) {
            request_since_ = now;
            received_since_ = 0;
            requests_seen_ = finished_requests;
        }
        if (has_sent_) last_taken_ = now;
        has_got_on_ = has_got_on_ || has_sent_;
        has_sent_ = false;
    }

    // REQUIRES: it waits for the peer.
    std::uint64_t waits_since_ms() const noexcept { return waits_since_ms_; }
    // When something was last received.
    storage::Tick last_active() const noexcept {
        return last_active_.load(std::memory_order_relaxed);
    }
    // When the request that is half received began, or what is left of it last got on.
    storage::Tick request_since() const noexcept { return request_since_; }
    // In the last turn a request was finished, or enough of a long one came, or the client took
    // something of an answer.
    bool has_got_on() const noexcept { return has_got_on_; }
    // When the client last took something of an answer.
    storage::Tick last_taken() const noexcept { return last_taken_; }

  private:
    std::atomic<storage::Tick> last_active_;
    storage::Tick request_since_;
    storage::Tick last_taken_;
    std::uint64_t waits_since_ms_ = 0;  // 0: it does not
    std::uint32_t requests_seen_ = 0;
    std::uint32_t received_since_ = 0;  // bytes, of the request since then
    bool has_sent_ = false;             // in this turn
    bool has_got_on_ = false;           // in the last one
};

}  // namespace twincached::app
