// The connections to the peer, and to whoever claims to be it: their handshakes, the choice of the
// one that becomes the session, and every way in which one ends before it has become that. It holds
// no data and knows neither heartbeats nor what a session carries; what it needs of the rest of the
// node, its host (the Engine) does.
//
//                 accepted, dialled                 chosen, READY both ways
//      network ---------------------> Connections --------------------------> Engine, PeerSession
//                                       |      ^
//             strangers, crossed dials, |      | may these two begin? what do we say of ourselves?
//             dead incarnations         v      | begin! it was lost
//                                    dismissed '--- Host
//
// Crossed dials. When both nodes dial at once there are two good connections. Node a is the
// arbiter: it alone chooses one (one that it dialled, if that one answers) and sends READY on it;
// node b answers READY to READY. So the two can never choose differently, and a node that has a
// session or has chosen never sends a HELLO that says otherwise.
//
//      a                                       b
//      | -- dial 1: CHALLENGE ... HELLO -----> |     both complete
//      | <----- dial 2: CHALLENGE ... HELLO -- |
//      | -- READY on dial 1 -----------------> |
//      | <----------------- READY on dial 1 -- |     a session
//      | -- BYE(crossed) on dial 2 ----------> |
//
// Owned by the Engine; the replication thread alone calls it. REPLICATION.md, sections 8 and 9.
#pragma once

#include "replication/pair/exchange/acquaintance.hpp"
#include "replication/pair/link/connection.hpp"
#include "replication/pair/link/link_machine.hpp"
#include "replication/pair/link/proof.hpp"
#include "replication/pair/strangers.hpp"
#include "replication/pair/timing.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

namespace twincached::replication::pair {

class Connections {
  public:
    // Accepted connections that have not proved whose they are; the oldest gives way to a new one.
    // Those that have not even begun properly, and those that have, do so among themselves: whoever
    // can do no more than connect does not get in the way of one that knows the protocol.
    static constexpr std::size_t stranger_limit = 16;
    static constexpr std::size_t unproved_limit = 6;
    // All of them, whatever has become of them: no more than the process keeps back for the link
    // when it counts its descriptors (app/process/privileges.cpp), so that whoever calls takes none
    // from clients, logs or this node's own dial. The session and that dial give way to nobody.
    static constexpr std::size_t connection_limit = 24;

    // The rest of the node.
    class Host {
      public:
        virtual ~Host() = default;
        // Of the session that is held; 0: none.
        virtual std::uint64_t session_number() const noexcept = 0;
        // The peer, which has proved who it is, takes this node for that one. REQUIRES: undecided.
        virtual void decide_node(unsigned node, std::string_view why) = 0;
        virtual Hello own_hello(const storage::Now& now) const = 0;
        // The session is over: the peer has lost it, or taken another connection.
        virtual void lose_session(std::string_view why, const storage::Now& now) = 0;
        // Rule R12: may a session begin between the two, or has one of them to begin anew first?
        virtual Meeting judge_past(const Hello& peer) const noexcept = 0;
        // This node forgets what it holds, and is from now on the incarnation that `nonce` decides.
        // There is no session, and no connection may become one any more.
        virtual void begin_anew(const Nonce& nonce, std::string_view why,
                                const storage::Now& now) = 0;
        // Keys hash otherwise on the peer: true if they hash here as they do there from now on, or
        // may do so by its next HELLO.
        virtual bool takes_up_peers_hash(const Handshake& handshake) = 0;
        // The peer does not know the secret: true if the next call shows it another.
        virtual bool tries_other_secret() noexcept = 0;
        // Rule R12 is applied; READY is sent next.
        virtual void begin_exchange(const Connection& connection, const storage::Now& now) = 0;
        // A connection for which that was done is given up before its session began.
        virtual void end_exchange() noexcept = 0;
        // A peer that this node has said HELLO to finds its clock, or its versions, too far ahead.
        // True: it is right, and the versions have to be corrected, by what is, as for
        // begin_anew(), another incarnation from then on.
        virtual bool wrote_by_wrong_clock(const storage::Now& now) const noexcept = 0;
        virtual void correct_versions(const Nonce& nonce, const storage::Now& now) = 0;
        // READY was said both ways: this is the session.
        virtual void establish(Connection& connection, const storage::Now& now) = 0;
    };

    // All of them outlive it.
    struct Parts {
        const Self& self;
        const Timing& timing;
        LinkMachine& link;
        Strangers& strangers;
        Host& host;
    };
    Connections(const Parts& parts, const Entropy& entropy) noexcept
        : parts_(parts), nonces_(entropy) {}

    // A connection of that number is there. An accepted one may make a stranger give way; a dialled
    // one is introduced by begin().
    Connection& accept(ConnectionId id, std::string_view from, const storage::Now& now);
    Connection& open(ConnectionId id, Side side, const storage::Now& now);
    // Null: there is none.
    Connection* find(ConnectionId id) noexcept;
    // The first of which `is` that; null: of none.
    template <class Is>
    Connection* find_first(Is is) const noexcept {
        for (const auto& connection : connections_)
            if (is(*connection)) return connection.get();
        return nullptr;
    }

    // A frame on a connection that is no session.
    void on_frame(Connection& connection, const Frame& frame, const storage::Now& now);
    // Node a's choice, if there is something to choose and no session. To be called after events.
    void choose(const storage::Now& now);
    // Gives up what has waited for too long.
    void judge(const storage::Now& now);
    // When judge() or choose() has something to do at the latest.
    std::optional<Instant> deadline() const noexcept;

    struct Dismissal {
        std::string_view why;
        bool refused = false;  // the two must not be paired
        Parting parting = Parting::at_once;
        bool by_clock = false;  // refused for a clock, which may be right a moment later
    };
    // REQUIRES: connection.is_candidate().
    void dismiss(Connection& connection, const Dismissal& how, const storage::Now& now);
    // Every candidate; `bye`, if there is one, is said to it before.
    void dismiss_all(const Dismissal& how, const Bye* bye, const storage::Now& now);
    // This node begins anew (see Host): whoever took it for what it was is told, and let go.
    void leave_all(std::string_view why, const storage::Now& now);
    void begin_anew(std::string_view why, const storage::Now& now);

    // The peer, or somebody who speaks like it, is on some connection.
    bool is_peer_there() const noexcept;

    // All of them are gone already, and nobody hears of it. Whoever holds a session ends that
    // first.
    void forget_all() noexcept { connections_.clear(); }
    std::size_t size() const noexcept { return connections_.size(); }

    // Visits them in the order in which they came: visit(connection). Then the closed are gone.
    template <class Visit>
    void flush(Visit visit) {
        for (auto& connection : connections_)
            visit(*connection);
        std::erase_if(connections_, [](const auto& one) { return one->phase == Phase::closed; });
    }

  private:
    void limit_strangers(bool introduced, std::size_t limit, const storage::Now& now);
    void make_room(const storage::Now& now);
    void on_bye(Connection& connection, const Frame& frame, const storage::Now& now);
    void take_step(Connection& connection, const Frame& frame, const storage::Now& now);
    void refuse(Connection& connection, const storage::Now& now);
    void on_peer_refused(Connection& connection, const storage::Now& now);
    void on_ready(Connection& connection, const storage::Now& now);
    bool agrees_on_past(Connection& connection, const storage::Now& now);
    void say_hello(Connection& connection, const storage::Now& now);
    void answer_hello(Connection& connection, const storage::Now& now);
    void complete(Connection& connection, const storage::Now& now);
    void dismiss_left_behind(const Connection& alive, const storage::Now& now);
    void dismiss_crossed(Connection& connection, const storage::Now& now);
    void dismiss_others(const Connection& chosen, const storage::Now& now);
    void establish(Connection& connection, const storage::Now& now);

    const Parts parts_;
    // At most one of them is chosen or the session; in the order in which they came.
    std::vector<std::unique_ptr<Connection>> connections_;
    Nonces nonces_;
};

// Null: none is in that phase.
inline Connection* first_in(Phase phase, const Connections& connections) noexcept {
    return connections.find_first([phase](const Connection& one) { return one.phase == phase; });
}

}  // namespace twincached::replication::pair
