// One session with the peer, from READY to its end: heartbeats, STATE, goodbyes, and the
// Exchange's frames in between. It owns no connection: frames come in, frames go out into a buffer
// of the owner's, and it says when it must end and why. Owned by the Engine; the replication
// thread alone calls it.
#pragma once

#include "lib/byte_buffer.hpp"
#include "replication/pair/arbitration/arbitration.hpp"
#include "replication/pair/exchange/exchange.hpp"
#include "replication/pair/link/control_frames.hpp"
#include "replication/pair/link/heartbeat.hpp"
#include "replication/pair/link/link_machine.hpp"
#include "storage/store.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace twincached::replication::pair {

// How a session ends, if not by the connection's end.
struct SessionEnd {
    enum class Ending : std::uint8_t {
        broken,    // the peer may live on
        vanished,  // the connection failed: it may, or may not
        died,      // its process ended
        farewell,
        refused,
    };
    Ending ending = Ending::broken;
    std::string why;
};

class PeerSession {
  public:
    struct Parts {
        Exchange& exchange;
        storage::Store& store;
        const Timing& timing;
        Arbitration& arbitration;
    };

    PeerSession(Parts parts, std::uint64_t number, const Hello& peer,
                const storage::Now& now) noexcept;

    // To be called before anything else at every event.
    void wake(Instant now) noexcept { heartbeat_.wake(now); }
    void heard(Instant now) noexcept { heartbeat_.heard(now); }
    std::optional<SessionEnd> on_frame(const Frame& frame, const storage::Now& now);
    // What the last frame said of an operator's order over there; given once.
    std::optional<OrderWord> take_word() noexcept;
    bool understands_orders() const noexcept { return understands_orders_; }

    // Appends what is due: PONG, PING, STATE, and the exchange's frames. All of it is paid out of
    // one budget, `room`: without any nothing is written, and what is begun within it may exceed it
    // by one frame. Until then answers wait as what they are made of, of which there is never more
    // than each has a limit for: however fast the peer asks, and however little it reads.
    // `waiting` is what the network has not taken yet.
    struct Output {
        std::size_t waiting = 0;
        bool moved = false;  // the network took some since the last call
        std::size_t room = 0;
    };
    void produce(lib::ByteBuffer& out, const LinkMachine& link, const Output& output,
                 const storage::Now& now);

    // Whether the peer's bytes are to be read now; to be asked again after each produce().
    bool listens(Instant now) const noexcept { return heartbeat_.listens(now); }
    // Why the session must end, or nothing.
    std::string_view verdict(Instant now) const noexcept { return heartbeat_.verdict(now); }
    // When produce() must be called at the latest.
    Instant deadline(Instant now) const noexcept { return now + Exchange::tick; }

    bool caught_up() const noexcept;
    // Buckets of both nodes that are still to be compared.
    std::uint64_t left_to_compare() const noexcept;
    // Which of the nodes has fallen behind, as a sentence; empty if none has.
    std::string_view behind() const noexcept;

    std::uint64_t number() const noexcept { return number_; }
    // The peer's wall clock, as what it is ahead of this node's steady one, in ms.
    std::int64_t peer_clock() const noexcept { return peer_clock_; }
    std::int64_t round_trip_ms() const noexcept { return round_trip_ms_; }
    // What the peer has said of itself; none: nothing yet.
    std::optional<NodeState> peer_state() const noexcept {
        return peer_told_ ? std::optional(peer_state_) : std::nullopt;
    }
    bool peer_is_serving() const noexcept { return peer_state_.serving; }

  private:
    // Of the latest PING; an earlier one that had no answer yet needs none.
    struct OwedPong {
        std::uint64_t echo_ms;
        std::uint64_t since_ms;
    };
    std::optional<SessionEnd> on_exchange_frame(const Frame& frame, const storage::Now& now);
    std::optional<SessionEnd> on_state(const Frame& frame);
    std::optional<SessionEnd> on_ping(const Frame& frame, const storage::Now& now);
    void write_pong(lib::ByteBuffer& out, const storage::Now& now);
    void write_ping(lib::ByteBuffer& out, const storage::Now& now);
    void write_state(lib::ByteBuffer& out, const LinkMachine& link, bool beat);
    void write_data(lib::ByteBuffer& out, std::size_t room, const storage::Now& now);

    Parts parts_;
    const std::uint64_t number_;
    std::int64_t peer_clock_;
    const bool tells_wall_;  // the peer understands a PING that does
    const bool understands_orders_;
    std::optional<OrderWord> heard_word_;
    Heartbeat heartbeat_;
    std::optional<OwedPong> owed_pong_;
    NodeState peer_state_;  // as last told
    bool peer_told_ = false;
    NodeState own_state_;  // as last sent
    bool state_sent_ = false;
    std::int64_t round_trip_ms_ = 0;
};

}  // namespace twincached::replication::pair
