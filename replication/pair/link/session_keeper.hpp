// The session with the peer, from the choice of its connection to its end: there is one, or none.
// It begins the session when READY was said both ways, hands it what the peer says and the room
// that its connection has, judges it, and ends it for whatever reason in end() and nowhere else
// (rule R11); it lets the link's state hear of both. To Connections it is the rest of the node.
//
//     Connections -- begin_exchange(), establish() -->  SessionKeeper  -- end() --> LinkMachine
//                    what do we say of ourselves? -->     |        |
//                                                    PeerSession  Incarnation
//
// It opens and closes no connection but the session's. Owned by the Engine; the replication thread
// alone calls it. REPLICATION.md, sections 8 and 9.
#pragma once

#include "replication/ack_gate.hpp"
#include "replication/pair/arbitration/arbitration.hpp"
#include "replication/pair/exchange/exchange.hpp"
#include "replication/pair/link/connection.hpp"
#include "replication/pair/link/connections.hpp"
#include "replication/pair/link/engine_options.hpp"
#include "replication/pair/link/incarnation.hpp"
#include "replication/pair/link/link_machine.hpp"
#include "replication/pair/link/peer_session.hpp"
#include "replication/pair/link_log.hpp"
#include "storage/now.hpp"
#include "storage/store.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace twincached::replication::pair {

// Who decides clients' changes, and since when.
struct Deciders {
    storage::Arbitration holding = storage::Arbitration::off;
    bool is_this = false;  // this node, for both
    Instant since{0};
};

class SessionKeeper final : public Connections::Host {
  public:
    // Of a session: nothing more is written while so much lies in buffers of ours on its way to the
    // peer, of whatever kind it is.
    static constexpr std::size_t output_limit_bytes = 256U << 10;

    // All of them outlive it.
    struct Parts {
        const EngineOptions& options;
        Incarnation& incarnation;
        Exchange& exchange;
        LinkMachine& link;
        LinkLog& log;
        Arbitration& arbitration;
    };
    explicit SessionKeeper(const Parts& parts) noexcept : parts_(parts) {}

    // Before anything else.
    void attach(storage::Store& store) noexcept { store_ = &store; }

    // Null: there is none.
    const PeerSession* session() const noexcept { return session_ ? &*session_ : nullptr; }
    // Its connection. REQUIRES: a session.
    const Connection& connection() const noexcept { return *connection_; }
    // What the latest peer runs; empty before the first session.
    const std::string& peer_software() const noexcept { return peer_software_; }
    // See Replicator; also of a peer that has gone.
    std::optional<std::int64_t> peer_clock() const noexcept;

    // When the peer was last heard in a session; none: never yet.
    std::optional<Instant> last_contact() const noexcept { return last_contact_; }

    const Deciders& deciders() const noexcept { return deciders_; }
    // The node begins to count time.
    void begin(Instant now) noexcept { deciders_.since = now; }

    // To be called before anything else at every event. Harmless without a session.
    void wake(const storage::Now& now) noexcept;
    // Bytes came in on the session's connection. REQUIRES: a session.
    void heard(const storage::Now& now) noexcept {
        last_contact_ = instant_of(now);
        session_->heard(instant_of(now));
    }
    // The peer's next frame, or what is none. The session may be over then. REQUIRES: a session.
    void on_frame(const Frame& frame, const storage::Now& now);
    // What that frame said of an operator's order over there; given once.
    std::optional<OrderWord> take_word() noexcept {
        return session_ ? session_->take_word() : std::nullopt;
    }
    void on_malformed(const storage::Now& now);
    // REQUIRES: a session.
    void end(const SessionEnd& end, const storage::Now& now, Parting parting = Parting::at_once);

    // The connection is gone, and with it a session, or one that was about to begin. Needs no
    // memory.
    void abandon(std::string_view why, const storage::Now& now) noexcept;

    // Ends what must end, else tells the link's state how it stands. Harmless without a session.
    void judge(const storage::Now& now);
    // Writes what is due, as far as its connection has room.
    void produce(const storage::Now& now);
    // After what was produced so far. REQUIRES: a session whose peer understands orders.
    void say(OrderWord word);
    // Once in a while: one line if more has changed than the log can hold.
    void tell_of_overflow() noexcept;
    // The node shuts down, and everything is said. REQUIRES: a session.
    void say_goodbye(const storage::Now& now);
    // After all that: whether answers may wait for the peer, and what somebody should hear of.
    void tend(AckGate* gate, const storage::Now& now);

    // Connections::Host
    std::uint64_t session_number() const noexcept override {
        return session_ ? session_->number() : 0;
    }
    void decide_node(unsigned node, std::string_view why) override {
        parts_.incarnation.decide_node(node, why);
    }
    Hello own_hello(const storage::Now& now) const override;
    void lose_session(std::string_view why, const storage::Now& now) override;
    Meeting judge_past(const Hello& peer) const noexcept override {
        return parts_.incarnation.judge_past(peer);
    }
    void begin_anew(const Nonce& nonce, std::string_view why, const storage::Now& now) override {
        parts_.incarnation.begin_anew(nonce, why, now);
    }
    bool takes_up_peers_hash(const Handshake& handshake) noexcept override;
    bool tries_other_secret() noexcept override { return parts_.incarnation.try_other_secret(); }
    void begin_exchange(const Connection& connection, const storage::Now& now) noexcept override;
    void end_exchange() noexcept override {
        parts_.arbitration.end();
        parts_.exchange.end();
    }
    bool wrote_by_wrong_clock(const storage::Now& now) const noexcept override {
        return parts_.incarnation.wrote_by_wrong_clock(now);
    }
    void correct_versions(const Nonce& nonce, const storage::Now& now) override {
        parts_.incarnation.correct_versions(nonce, now);
    }
    void establish(Connection& connection, const storage::Now& now) override;

  private:
    void flush_if_peer_crashed(SessionEnd::Ending ending, std::string_view why,
                               const storage::Now& now) noexcept;
    void tell_of_defects() noexcept;
    void begin_catching_up(const storage::Now& now) noexcept;
    void tell_of_arbitration();
    void tell_who_decides(Instant now);
    std::string in_sync(const storage::Now& now) const;
    std::string at_its_end(std::string_view why, const storage::Now& now) const;

    const Parts parts_;
    storage::Store* store_ = nullptr;
    // Both or neither; the connection is in Phase::session as long.
    std::optional<PeerSession> session_;
    Connection* connection_ = nullptr;
    std::string peer_software_;
    std::optional<std::int64_t> peer_clock_;  // of the last session
    std::optional<Instant> last_contact_;
    std::uint64_t defects_told_ = 0;
    // What was last told of it: what this node is set to, and what holds.
    std::pair<storage::Arbitration, storage::Arbitration> arbitration_told_{};
    Deciders deciders_;
    std::uint64_t overflows_before_ = 0;  // while no bucket was dirty
    bool overflow_is_told_ = false;
    Instant session_began_{0};
    Instant catching_up_began_{0};       // with the session, or when one node fell behind in it
    std::uint64_t received_before_ = 0;  // records, until then
    std::uint64_t sent_before_ = 0;
    bool is_caught_up_ = false;  // as the link's machine was last told
};

}  // namespace twincached::replication::pair
