#include "replication/pair/link/connections.hpp"

#include "replication/pair/node_identity.hpp"

#include <algorithm>
#include <cassert>
#include <string>
#include <utility>

namespace twincached::replication::pair {
namespace {

// Node b answers READY within a round trip; a connection that died meanwhile must not hold the
// pair apart for longer.
constexpr Timing::ms ready_answer_limit{1000};

using AllConnections = std::vector<std::unique_ptr<Connection>>;

constexpr std::string_view restarted = "the peer was restarted";

bool has_said_hello(const Connection& connection) noexcept {
    return connection.phase == Phase::complete || connection.phase == Phase::chosen ||
           connection.phase == Phase::session;
}

// A peer that was killed leaves connections behind of which nobody tells us, and what it said last
// may arrive after its successor's HELLO. Of two incarnations, the one whose connection is the
// younger lives. A CHALLENGE proves nothing, so only those count that have said HELLO.
bool is_left_behind(const Connection& connection, const AllConnections& all) noexcept {
    return std::any_of(all.begin(), all.end(), [&](const auto& other) {
        return has_said_hello(*other) && other->id > connection.id &&
               other->handshake.peer_epoch() != connection.handshake.peer_epoch();
    });
}

// One of them is the session, or will be as soon as the peer has said READY, too.
bool has_chosen(const Connections::Host& host, const AllConnections& all) noexcept {
    return host.session_number() != 0 || std::any_of(all.begin(), all.end(), [](const auto& one) {
               return one->phase == Phase::chosen;
           });
}

// Its word alone makes a caller no peer, or strangers would be counted only if they liked. It has
// proved itself; or, given up before it could, it came from the peer's address, by the incarnation
// of it that another connection is with.
bool is_peers(const Connection& connection, const AllConnections& all) noexcept {
    const auto& handshake = connection.handshake;
    if (handshake.is_proved()) return true;
    if (!connection.is_from_peer || !handshake.is_introduced()) return false;
    return std::any_of(all.begin(), all.end(), [&](const auto& other) {
        return other.get() != &connection && other->phase <= Phase::session &&
               other->handshake.is_introduced() &&
               other->handshake.peer_epoch() == handshake.peer_epoch();
    });
}

bool own_dial_is_answered(const AllConnections& all) noexcept {
    return std::any_of(all.begin(), all.end(), [](const auto& connection) {
        return connection->phase == Phase::handshake && connection->is_dialled() &&
               connection->handshake.is_introduced();
    });
}

// A refusal stands, but for one that the next attempt does not meet again.
bool must_part(const Handshake& handshake, Connections::Host& host) {
    return !handshake.hashes_differ() || !host.takes_up_peers_hash(handshake);
}

// The same of a refusal that the peer has said of this node's call.
bool must_part_from_caller(const Handshake& handshake, Connections::Host& host) {
    const bool is_secret = handshake.reason() == ErrorReason::proof;
    if (is_secret && host.tries_other_secret()) return false;
    return must_part(handshake, host);
}

}  // namespace

Connection* Connections::find(ConnectionId id) noexcept {
    for (auto& connection : connections_) {
        if (connection->id == id) return connection.get();
    }
    return nullptr;
}

Connection& Connections::accept(ConnectionId id, std::string_view from, const storage::Now& now) {
    limit_strangers(false, stranger_limit - 1, now);
    auto& connection = open(id, Side::acceptor, now);
    connection.from = from;
    return connection;
}

Connection& Connections::open(ConnectionId id, Side side, const storage::Now& now) {
    assert(find(id) == nullptr);
    make_room(now);
    connections_.push_back(std::make_unique<Connection>(id, parts_.self, side, nonces_.next()));
    connections_.back()->opened = instant_of(now);
    connections_.back()->deadline = instant_of(now) + parts_.timing.handshake;
    return *connections_.back();
}

// Of one kind of strangers no more than `limit` stay, the youngest.
void Connections::limit_strangers(bool introduced, std::size_t limit, const storage::Now& now) {
    Connection* oldest = nullptr;
    std::size_t strangers = 0;
    for (auto& connection : connections_) {
        const auto& handshake = connection->handshake;
        if (connection->phase != Phase::handshake || connection->is_dialled()) continue;
        if (handshake.is_introduced() != introduced || handshake.is_proved()) continue;
        if (oldest == nullptr) oldest = connection.get();
        ++strangers;
    }
    if (strangers > limit) dismiss(*oldest, {"too many strangers at once"}, now);
}

// What is over already goes first, whether its last word has arrived or not; then, of what was
// accepted and is no session, what has waited for longest. With a secret only the peer gets here.
void Connections::make_room(const storage::Now& now) {
    const auto open = std::count_if(connections_.begin(), connections_.end(),
                                    [](const auto& one) { return one->phase != Phase::closed; });
    if (static_cast<std::size_t>(open) < connection_limit) return;
    if (auto* over = first_in(Phase::closing, *this))
        return over->part(Parting::reset, instant_of(now));
    for (auto& connection : connections_) {
        if (connection->is_dialled() || !connection->is_candidate()) continue;
        return dismiss(*connection, {"too many connections at once"}, now);
    }
}

// --- handshakes ----------------------------------------------------------------------------------

void Connections::on_frame(Connection& connection, const Frame& frame, const storage::Now& now) {
    if (frame.type == FrameType::ready) return on_ready(connection, now);
    if (frame.type == FrameType::bye) return on_bye(connection, frame, now);
    take_step(connection, frame, now);
}

// The peer, too, gives up what is superfluous, and it may do so first.
void Connections::on_bye(Connection& connection, const Frame& frame, const storage::Now& now) {
    const auto bye = read_bye(frame.payload);
    const bool says_crossed = bye && bye->reason == ByeReason::crossed;
    connection.is_crossed = says_crossed && is_peers(connection, connections_);
    const auto why = bye ? "the peer ended it: it says \"" + printable(bye->text) + '"'
                         : "a BYE that makes no sense";
    dismiss(connection, {why}, now);
}

void Connections::take_step(Connection& connection, const Frame& frame, const storage::Now& now) {
    auto& handshake = connection.handshake;
    switch (handshake.on_frame(frame, now, connection.output)) {
        case Handshake::Step::wait:
            return;
        case Handshake::Step::introduced:
            limit_strangers(true, unproved_limit, now);
            return parts_.link.on(LinkEvent::called, instant_of(now), "the peer calls");
        case Handshake::Step::say_hello:
            return say_hello(connection, now);
        case Handshake::Step::answer_hello:
            return answer_hello(connection, now);
        case Handshake::Step::complete:
            return complete(connection, now);
        case Handshake::Step::refused:
            return refuse(connection, now);
        case Handshake::Step::peer_refused:
            return on_peer_refused(connection, now);
        case Handshake::Step::strange:
            return dismiss(connection, {handshake.why()}, now);
    }
}

// Where the reason has gone meanwhile, the peer is not told of one: it calls again at once.
void Connections::refuse(Connection& connection, const storage::Now& now) {
    const auto& handshake = connection.handshake;
    const bool must = must_part(handshake, parts_.host);
    if (!must) connection.output = {};
    const auto why =
        (connection.is_dialled() ? "this node refuses the peer: " : "") + handshake.why();
    dismiss(connection,
            {why, must, must ? Parting::linger : Parting::at_once,
             handshake.reason() == ErrorReason::clock},
            now);
}

void Connections::on_peer_refused(Connection& connection, const storage::Now& now) {
    const auto& handshake = connection.handshake;
    const bool by_clock = handshake.reason() == ErrorReason::clock;
    const bool has_said_hello = handshake.own_hello().epoch != 0;
    const bool must = connection.is_dialled() && must_part_from_caller(handshake, parts_.host);
    dismiss(connection, {handshake.why(), must, Parting::at_once, by_clock}, now);
    if (!by_clock || !has_said_hello || !parts_.host.wrote_by_wrong_clock(now)) return;
    leave_all("versions were given by a wrong clock", now);
    parts_.host.correct_versions(nonces_.next(), now);
}

// Only a node that neither has a session nor has chosen one may say that it has none.
void Connections::say_hello(Connection& connection, const storage::Now& now) {
    if (has_chosen(parts_.host, connections_)) return dismiss_crossed(connection, now);
    connection.handshake.write_hello(parts_.host.own_hello(now), connection.output);
}

// The peer has proved who it is and says which session it holds open.
void Connections::answer_hello(Connection& connection, const storage::Now& now) {
    auto& handshake = connection.handshake;
    if (!is_decided(parts_.self.node)) {
        parts_.host.decide_node(handshake.own_node(), "the peer is the other one");
    }
    if (is_left_behind(connection, connections_)) return dismiss(connection, {restarted}, now);
    const auto session = parts_.host.session_number();
    if (session != 0 && handshake.peer_hello().live_session == session) {
        return dismiss_crossed(connection, now);
    }
    if (session != 0) {
        parts_.host.lose_session("the peer has lost the session and calls anew", now);
    }
    dismiss_left_behind(connection, now);
    if (first_in(Phase::chosen, *this) != nullptr) return dismiss_crossed(connection, now);
    handshake.write_hello(parts_.host.own_hello(now), connection.output);
    connection.phase = Phase::complete;
    if (!agrees_on_past(connection, now)) return;
    if (parts_.self.node == node_a) {
        connection.deadline = instant_of(now) + parts_.timing.crossed_wait;
    }
}

void Connections::complete(Connection& connection, const storage::Now& now) {
    if (is_left_behind(connection, connections_)) return dismiss(connection, {restarted}, now);
    dismiss_left_behind(connection, now);
    connection.phase = Phase::complete;
    const bool is_at_rest = !has_chosen(parts_.host, connections_);
    if (is_at_rest) (void)agrees_on_past(connection, now);
}

// Both nodes ask, as soon as they have said and heard HELLO, and again before a session begins.
// False: one of the two has to begin anew first, and the connection is given up.
bool Connections::agrees_on_past(Connection& connection, const storage::Now& now) {
    constexpr std::string_view put_back =
        "the peer was put back to an earlier state, and has to begin anew";
    switch (parts_.host.judge_past(connection.handshake.peer_hello())) {
        case Meeting::begin:
            return true;
        case Meeting::begin_anew:
            begin_anew("the peer counts on another state of this node", now);
            return false;
        case Meeting::let_go_anew:
            dismiss(connection, {put_back, false, Parting::linger}, now);
            return false;
    }
    return false;
}

// Who they spoke with is another one from now on.
void Connections::leave_all(std::string_view why, const storage::Now& now) {
    const Bye bye{ByeReason::replaced, "this node begins anew"};
    dismiss_all({why, false, Parting::linger}, &bye, now);
}

void Connections::begin_anew(std::string_view why, const storage::Now& now) {
    leave_all(why, now);
    parts_.host.begin_anew(nonces_.next(), why, now);
}

void Connections::dismiss_left_behind(const Connection& alive, const storage::Now& now) {
    for (auto& other : connections_) {
        if (other.get() == &alive || !other->is_candidate() || !has_said_hello(*other)) continue;
        if (other->handshake.peer_epoch() == alive.handshake.peer_epoch()) continue;
        dismiss(*other, {restarted}, now);
    }
}

// --- the choice ----------------------------------------------------------------------------------

// Node a's choice. One that node b dialled waits for our own dial if that one is being answered,
// so that the outcome is the same whichever is quicker.
void Connections::choose(const storage::Now& now) {
    if (parts_.self.node != node_a || has_chosen(parts_.host, connections_)) return;
    Connection* choice = nullptr;
    for (auto& connection : connections_) {
        if (connection->phase != Phase::complete) continue;
        if (choice == nullptr || connection->is_dialled()) choice = connection.get();
    }
    if (choice == nullptr) return;
    const bool may_wait = !choice->is_dialled() && instant_of(now) < choice->deadline;
    if (may_wait && own_dial_is_answered(connections_)) return;
    if (!agrees_on_past(*choice, now)) return;
    parts_.host.begin_exchange(*choice, now);
    write_empty_frame(choice->output, FrameType::ready);
    choice->phase = Phase::chosen;
    choice->deadline = instant_of(now) + ready_answer_limit;
}

void Connections::on_ready(Connection& connection, const storage::Now& now) {
    const bool is_a = parts_.self.node == node_a;
    if (connection.phase != (is_a ? Phase::chosen : Phase::complete)) {
        return dismiss(connection, {"a READY out of turn"}, now);
    }
    if (!is_a) {
        if (parts_.host.session_number() != 0) {
            parts_.host.lose_session("the peer has taken another connection", now);
        }
        if (!agrees_on_past(connection, now)) return;
        parts_.host.begin_exchange(connection, now);
        write_empty_frame(connection.output, FrameType::ready);
    }
    establish(connection, now);
}

void Connections::establish(Connection& connection, const storage::Now& now) {
    connection.phase = Phase::session;
    parts_.strangers.forget_told();
    parts_.host.establish(connection, now);
    dismiss_others(connection, now);
}

// What else the same two have between them is superfluous. Whoever has not begun a handshake may
// be anybody, also the peer that was restarted just now.
void Connections::dismiss_others(const Connection& chosen, const storage::Now& now) {
    for (auto& other : connections_) {
        if (other.get() == &chosen || !other->is_candidate()) continue;
        const bool same_peer = other->handshake.is_introduced() &&
                               other->handshake.peer_epoch() == chosen.handshake.peer_epoch();
        if (same_peer || other->is_dialled()) dismiss_crossed(*other, now);
    }
}

// --- how they end --------------------------------------------------------------------------------

void Connections::dismiss(Connection& connection, const Dismissal& how, const storage::Now& now) {
    assert(connection.is_candidate());
    const auto instant = instant_of(now);
    if (connection.phase == Phase::chosen) parts_.host.end_exchange();
    connection.part(how.parting, instant);
    if (connection.is_dialled()) {
        const auto refusal = how.by_clock ? LinkEvent::clock_refused : LinkEvent::refused;
        parts_.link.on(how.refused ? refusal : LinkEvent::dial_failed, instant, how.why);
    } else if (!connection.is_crossed) {
        parts_.strangers.note(how.why, instant, connection.from);
    }
    const bool others = std::any_of(connections_.begin(), connections_.end(), [](const auto& one) {
        return one->is_candidate() && (one->is_dialled() || one->handshake.is_introduced());
    });
    if (!others) parts_.link.on(LinkEvent::handshakes_over, instant, how.why);
}

void Connections::dismiss_crossed(Connection& connection, const storage::Now& now) {
    constexpr std::string_view why = "another connection of the two was taken";
    write_frame(connection.output, Bye{ByeReason::crossed, std::string(why)});
    connection.is_crossed = true;
    dismiss(connection, {why, false, Parting::linger}, now);
}

void Connections::judge(const storage::Now& now) {
    for (auto& connection : connections_) {
        if (connection->deadline > instant_of(now)) continue;
        switch (connection->phase) {
            case Phase::handshake:
                dismiss(*connection, {"no handshake with the peer in time"}, now);
                break;
            case Phase::complete:
                // Node a chooses it now, in drain().
                if (parts_.self.node != node_a)
                    dismiss(*connection, {"no READY of the peer in time"}, now);
                break;
            case Phase::chosen:
                dismiss(*connection, {"no READY of the peer in time"}, now);
                break;
            case Phase::closing:
                connection->phase = Phase::closed;
                break;
            case Phase::session:
            case Phase::legacy:
            case Phase::closed:
                break;
        }
    }
}

void Connections::dismiss_all(const Dismissal& how, const Bye* bye, const storage::Now& now) {
    for (auto& connection : connections_) {
        if (!connection->is_candidate()) continue;
        if (bye != nullptr) write_frame(connection->output, *bye);
        dismiss(*connection, how, now);
    }
}

bool Connections::is_peer_there() const noexcept {
    return std::any_of(connections_.begin(), connections_.end(), [](const auto& connection) {
        return connection->handshake.is_introduced();
    });
}

std::optional<Instant> Connections::deadline() const noexcept {
    std::optional<Instant> first;
    // What node a has not chosen waits for the one that it has chosen.
    const bool others_wait = parts_.self.node == node_a && has_chosen(parts_.host, connections_);
    for (const auto& connection : connections_) {
        const auto phase = connection->phase;
        if (phase == Phase::session || phase == Phase::legacy) continue;
        if (phase == Phase::complete && others_wait) continue;
        if (!first || connection->deadline < *first) first = connection->deadline;
    }
    return first;
}

}  // namespace twincached::replication::pair
