// One node's part in deciding for both, in a session and without one: what is asked of whom, and
// when (rules A1 to A7). It owns the seat and both directions, takes what clients have left at the
// desk, and says what they are to leave there.
//
//     desk <- ArbitrationDesk: io threads
//      |  scope: off | conditional | all
//      v
//     Arbitration -- Seat      who decides?
//        |---------- Asking    what was asked of the peer
//        '---------- Deciding  what the peer has asked
//
// Owned by the Engine; the replication thread alone calls it. What is not noexcept throws
// std::bad_alloc, and the session is to end then.
#pragma once

#include "lib/byte_buffer.hpp"
#include "replication/arbitration_desk.hpp"
#include "replication/changes/change_sink.hpp"
#include "replication/pair/arbitration/asking.hpp"
#include "replication/pair/arbitration/deciding.hpp"
#include "replication/pair/arbitration/peers_word.hpp"
#include "replication/pair/arbitration/seat.hpp"
#include "replication/pair/exchange/exchange.hpp"
#include "storage/store.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace twincached::replication::pair {

class Arbitration final : private PeersWord {
  public:
    struct Parts {
        Exchange& exchange;
        ChangeSink& sink;
        ArbitrationDesk* desk = nullptr;  // null: no client asks, and the peer still may
    };
    Arbitration(const Parts& parts, const ArbitrationDesk::Options& options);
    void attach(storage::Store& store) noexcept;
    void set_mode(storage::Arbitration mode) noexcept { mode_ = mode; }

    // `first`: this node is the primary that both have agreed on. `knows`: the peer speaks of it.
    void begin(bool first, bool knows) noexcept;
    void end() noexcept;

    // What STATE is to tell; only to a peer that knows of it.
    bool is_known_to_peer() const noexcept { return knows_; }
    storage::Arbitration mode() const noexcept { return mode_; }
    std::uint32_t term() const noexcept { return seat_.term(); }
    // What the peer's tells. False: that cannot be.
    [[nodiscard]] bool told(std::uint8_t mode, std::uint32_t term) noexcept;

    // An operator wants the other node to decide. Harmless if it does.
    void give_up() noexcept { seat_.give_up(); }

    // A frame of the peer's. False: it breaks the protocol. REQUIRES: a session with one who knows.
    // `has_waited`: it may have, for so long that the peer may have decided otherwise since.
    [[nodiscard]] bool on_frame(const Frame& frame, const storage::Now& now, bool has_waited);
    // At every turn, before anything is sent, also without a session.
    void tend(bool is_linked, const storage::Now& now);
    // Appends what is due behind the changes that stand in the stream.
    void produce(lib::ByteBuffer& out, std::size_t room, const storage::Now& now);
    // At the end of a turn: whoever has an answer hears of it.
    void wake_clients() noexcept;

    bool decides() const noexcept { return seat_.decides(); }
    // What holds between the two: the weaker of both settings, off without a session.
    storage::Arbitration in_force() const noexcept;
    // The same, and whether all that a client asks for has been decided by it since. What is told.
    storage::Arbitration holding() const noexcept { return holding_; }
    std::uint64_t executed() const noexcept { return deciding_.executed(); }
    std::uint64_t unknown() const noexcept { return asking_.unknown(); }

  private:
    bool apply(const WireRecord& record, const storage::Now& now) override {
        return parts_.exchange.incoming().apply_told(record, now);
    }
    void observe(std::uint64_t peer_now_ms, const storage::Now& now) noexcept override {
        parts_.exchange.incoming().offset().observe(peer_now_ms, now.steady_ms);
    }
    storage::Expiry to_expiry(std::uint64_t peer_ms) const noexcept override {
        return parts_.exchange.incoming().offset().to_expiry(peer_ms);
    }
    void leave();

    const Parts parts_;
    storage::Store* store_ = nullptr;
    storage::Arbitration mode_;
    storage::Arbitration peer_mode_ = storage::Arbitration::off;
    storage::Arbitration holding_ = storage::Arbitration::off;
    bool knows_ = false;
    bool has_linked_ = false;  // in this session
    Seat seat_;
    Asking asking_;
    Deciding deciding_;
    // What was decided here before this node gave its seat up; empty: it does not.
    std::vector<ChangeLog::Position> to_be_sent_;
};

}  // namespace twincached::replication::pair
