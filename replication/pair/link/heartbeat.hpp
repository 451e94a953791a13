// The pulse of a session: when a PING is due, and whether the session must be given up because
// the peer is silent, does not hear us, or takes nothing off our hands. It is told of time and
// events and judges; it sends nothing. Owned by the PeerSession; the replication thread alone calls
// it.
//
// A process that was stopped itself (SIGSTOP, a paused virtual machine) finds the peer silent when
// it wakes, wrongly: what the peer said meanwhile still lies in the socket. So whoever notices
// that its own time jumped gives the socket one heartbeat to be read before it judges silence, and
// a whole silence period before it believes the peer's complaint of not having been heard.
#pragma once

#include "replication/pair/timing.hpp"

#include <cstdint>
#include <optional>
#include <string_view>

namespace twincached::replication::pair {

// The verdict of one that has said nothing for Timing::silence.
inline constexpr std::string_view peer_is_silent = "the peer is silent";

class Heartbeat {
  public:
    Heartbeat(const Timing& timing, Instant now) noexcept;

    // To be called first at every event of the session: notices the node's own stalls.
    // REQUIRES: the session's timer runs at least once per heartbeat.
    void wake(Instant now) noexcept;
    void heard(Instant now) noexcept { heard_at_ = now; }
    // The peer says that it has not heard us for so long.
    void peer_says_unheard(Timing::ms age, Instant now) noexcept;
    // `waiting` bytes have been given to the network and not been taken; `moved`: some were.
    void output(bool waiting, bool moved, Instant now) noexcept;

    // The network has taken nothing of what waits for a heartbeat: the peer does not read.
    bool is_blocked(Instant now) const noexcept {
        return output_waits_ && now - output_since_ >= timing_.heartbeat;
    }
    // Whether the peer's bytes are to be read. Who makes this node speak and does not listen is
    // heard once in a heartbeat: it cannot make the node work for nothing, two honest nodes that
    // have filled each other's buffers cannot wait for each other for ever, and none of them is
    // taken for silent.
    bool listens(Instant now) const noexcept {
        return !is_blocked(now) || now - heard_at_ >= timing_.heartbeat;
    }

    // True once per heartbeat.
    bool take_ping(Instant now) noexcept;
    // Why the session must end, or nothing.
    std::string_view verdict(Instant now) const noexcept;
    // How long the peer has not been heard, as a PING tells it: 0 while the socket of a node that
    // has just woken up may still hold what the peer said.
    Timing::ms unheard(Instant now) const noexcept {
        return now < judge_from_ ? Timing::ms(0) : now - heard_at_;
    }

    std::uint64_t stalls() const noexcept { return stalls_; }

    // This node stood still for so long that the peer may have given it up. What it reads now may
    // have waited in the socket, and be what the peer has wanted and wants no more: until the peer
    // answers a PING of after that, which shows that it goes on, and what it said before.
    bool hears_what_waited() const noexcept { return woke_up_at_.has_value(); }
    // The peer has answered the PING of that time.
    void answered(Instant asked_at) noexcept {
        if (woke_up_at_ && asked_at >= *woke_up_at_) woke_up_at_.reset();
    }

  private:
    const Timing timing_;
    Instant woken_at_;       // the last event of the session
    Instant heard_at_;       // the last byte of the peer
    Instant judge_from_;     // silence is not judged before
    Instant complain_from_;  // the peer's complaints are not believed before
    Instant output_since_;   // since when output has been waiting without any being taken
    Instant next_ping_;
    bool output_waits_ = false;
    bool peer_is_deaf_ = false;
    std::optional<Instant> woke_up_at_;  // of such a time, until the peer has answered
    std::uint64_t stalls_ = 0;
};

}  // namespace twincached::replication::pair
