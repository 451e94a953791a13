// The reliable frames of one session that the peer has not acknowledged, in order, with what each
// acknowledgement sets free. Bounded: a peer that does not answer is sent no more than this.
// Owned by the exchange, on the replication strand.
#pragma once

#include "replication/changes/change_log.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>

namespace twincached::replication::pair {

// One numbered frame that the peer has not acknowledged: what is to be freed when it does, and to
// be done again if it never will.
struct InFlight {
    enum class Content : std::uint8_t { log, list, digests, flush, other };
    Content content = Content::other;
    std::uint32_t place = 0;  // log: the shard; list: the bucket; digests: the first
    // log: behind the last entry that the frame carried; digests, flush: how many it tells of
    ChangeLog::Position position = 0;
    std::uint64_t cost = 0;  // list: bytes that the peer may want in answer; flush: its version
    std::size_t bytes = 0;   // of the frame
    std::uint64_t sent_ms = 0;
};

class SendWindow {
  public:
    static constexpr std::size_t bytes_limit = 32U << 20;
    static constexpr std::size_t frames_limit = 16384;

    std::uint64_t next_seq() const noexcept { return sent_ + 1; }
    // The frame with next_seq() was written, or will be. Throws std::bad_alloc, and then has
    // changed nothing.
    void add(const InFlight& frame) {
        frames_.push_back(frame);
        bytes_ += frame.bytes;
        ++sent_;
    }

    // Of the frame added last, what was not known before it was written.
    void measure_last(std::uint64_t cost, std::size_t bytes) noexcept {
        frames_.back().cost = cost;
        frames_.back().bytes = bytes;
        bytes_ += bytes;
    }

    bool is_full() const noexcept {
        return bytes_ >= bytes_limit || frames_.size() >= frames_limit;
    }
    bool empty() const noexcept { return frames_.empty(); }
    std::uint64_t acked() const noexcept { return acked_; }
    bool could_acknowledge(std::uint64_t seq) const noexcept {
        return seq >= acked_ && seq <= sent_;
    }
    // Age of the oldest frame that is not acknowledged.
    std::uint64_t lag_ms(std::uint64_t now_ms) const noexcept {
        return frames_.empty() ? 0 : now_ms - std::min(now_ms, frames_.front().sent_ms);
    }

    // Visits what is set free: visit(seq, frame), in order. REQUIRES: could_acknowledge(seq).
    template <class Visit>
    void acknowledge(std::uint64_t seq, Visit visit) {
        while (acked_ < seq) {
            const InFlight frame = frames_.front();
            frames_.pop_front();
            bytes_ -= frame.bytes;
            ++acked_;
            visit(acked_, frame);
        }
    }

    // Visits what was lost with the session, and starts anew.
    template <class Visit>
    void reset(Visit visit) {
        for (const auto& frame : frames_)
            visit(frame);
        frames_.clear();
        bytes_ = 0;
        sent_ = acked_ = 0;
    }

  private:
    std::deque<InFlight> frames_;
    std::size_t bytes_ = 0;
    std::uint64_t sent_ = 0;
    std::uint64_t acked_ = 0;
};

}  // namespace twincached::replication::pair
