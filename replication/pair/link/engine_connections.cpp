// The Engine's dealings with connections: handshakes, the choice of the one that becomes the
// session, and every way in which one ends. Its events and outputs are in engine.cpp.
#include "replication/pair/link/engine.hpp"

#include "lib/endian.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

namespace twincached::replication::pair {

namespace {

// A connection whose last word was said is closed after so long if the peer does not do it.
constexpr Timing::ms linger_limit{500};
// Node b answers READY within a round trip; a connection that died meanwhile must not hold the
// pair apart for longer.
constexpr Timing::ms ready_answer_limit{1000};

constexpr std::string_view restarted = "the peer was restarted";

bool has_said_hello(const Connection& connection) noexcept {
    return connection.phase == Phase::complete || connection.phase == Phase::chosen ||
           connection.phase == Phase::session;
}

// How long its sender had been serving when it wrote the HELLO; 0 = it is COLD.
std::uint64_t serving_age_of(const Hello& hello) noexcept {
    return hello.ready_since_ms == 0 ? 0 : hello.steady_ms - hello.ready_since_ms + 1;
}

}  // namespace

Connection* Engine::find(ConnectionId id) noexcept {
    for (auto& connection : connections_) {
        if (connection->id == id) return connection.get();
    }
    return nullptr;
}

Connection* Engine::find(Phase phase) const noexcept {
    for (auto& connection : connections_) {
        if (connection->phase == phase) return connection.get();
    }
    return nullptr;
}

Connection& Engine::open(ConnectionId id, Side side, Instant now) noexcept {
    assert(find(id) == nullptr);
    const auto nonce = make_nonce(options_.entropy, nonces_++);
    connections_.push_back(std::make_unique<Connection>(id, options_.self, side, nonce));
    connections_.back()->deadline = now + options_.timing.handshake;
    return *connections_.back();
}

void Engine::make_room_for_stranger(const storage::Now& now) noexcept {
    Connection* oldest = nullptr;
    std::size_t strangers = 0;
    for (auto& connection : connections_) {
        if (connection->phase != Phase::handshake || connection->is_dialled()) continue;
        if (connection->handshake.is_introduced()) continue;
        if (oldest == nullptr) oldest = connection.get();
        ++strangers;
    }
    if (strangers >= stranger_limit) dismiss(*oldest, {"too many strangers at once"}, now);
}

void Engine::on_frame(Connection& connection, const Frame& frame,
                      const storage::Now& now) noexcept {
    if (connection.phase == Phase::session) {
        const auto end = session_->on_frame(frame, now, connection.output);
        if (!end) return;
        // A node that lives says so before it hangs up.
        const bool last_word = end->kind != SessionEnd::Kind::farewell;
        if (last_word) write_frame(connection.output, Error{ErrorReason::protocol, end->why});
        end_session(*end, now, last_word ? Parting::linger : Parting::at_once);
        return;
    }
    if (frame.type == FrameType::ready) return on_ready(connection, now);
    if (frame.type == FrameType::bye) {
        const auto bye = read_bye(frame.payload);
        const auto why = bye ? "the peer: " + printable(bye->text) : "a BYE that makes no sense";
        return dismiss(connection, {why}, now);
    }
    on_handshake_frame(connection, frame, now);
}

void Engine::on_handshake_frame(Connection& connection, const Frame& frame,
                                const storage::Now& now) noexcept {
    auto& handshake = connection.handshake;
    switch (handshake.on_frame(frame, now, connection.output)) {
        case Handshake::Step::wait:
            return;
        case Handshake::Step::introduced:
            return link_.on(LinkEvent::called, instant_of(now), "the peer calls");
        case Handshake::Step::say_hello:
            return say_hello(connection, now);
        case Handshake::Step::answer_hello:
            return answer_hello(connection, now);
        case Handshake::Step::complete:
            return complete(connection, now);
        case Handshake::Step::refused:
            return dismiss(connection, {handshake.why(), true, Parting::linger}, now);
        case Handshake::Step::peer_refused:
            return dismiss(connection, {handshake.why(), true}, now);
        case Handshake::Step::strange:
            return dismiss(connection, {handshake.why()}, now);
    }
}

// Only a node that neither has a session nor has chosen one may say that it has none.
void Engine::say_hello(Connection& connection, const storage::Now& now) noexcept {
    if (session_ || find(Phase::chosen) != nullptr) return dismiss_crossed(connection, now);
    connection.handshake.write_hello(own_hello(now), connection.output);
}

// The peer has proved who it is and says which session it holds open.
void Engine::answer_hello(Connection& connection, const storage::Now& now) noexcept {
    auto& handshake = connection.handshake;
    if (is_left_behind(connection)) return dismiss(connection, {restarted}, now);
    if (session_ && handshake.peer_hello().live_session == session_->number()) {
        return dismiss_crossed(connection, now);
    }
    if (session_) {
        end_session({SessionEnd::Kind::broken, "the peer has lost the session and calls anew"},
                    now);
    }
    dismiss_left_behind(connection, now);
    if (find(Phase::chosen) != nullptr) return dismiss_crossed(connection, now);
    handshake.write_hello(own_hello(now), connection.output);
    connection.phase = Phase::complete;
    if (!agrees_on_past(connection, now)) return;
    if (options_.self.node == node_a) {
        connection.deadline = instant_of(now) + options_.timing.crossed_wait;
    }
}

void Engine::complete(Connection& connection, const storage::Now& now) noexcept {
    if (is_left_behind(connection)) return dismiss(connection, {restarted}, now);
    dismiss_left_behind(connection, now);
    connection.phase = Phase::complete;
    const bool is_at_rest = !session_ && find(Phase::chosen) == nullptr;
    if (is_at_rest) (void)agrees_on_past(connection, now);
}

// A peer that was killed leaves connections behind of which nobody tells us, and what it said last
// may arrive after its successor's HELLO. Of two incarnations, the one whose connection is the
// younger lives. A CHALLENGE proves nothing, so only those count that have said HELLO.
bool Engine::is_left_behind(const Connection& connection) const noexcept {
    return std::any_of(connections_.begin(), connections_.end(), [&](const auto& other) {
        return has_said_hello(*other) && other->id > connection.id &&
               other->handshake.peer_epoch() != connection.handshake.peer_epoch();
    });
}

void Engine::dismiss_left_behind(const Connection& alive, const storage::Now& now) noexcept {
    for (auto& other : connections_) {
        if (other.get() == &alive || !other->is_candidate() || !has_said_hello(*other)) continue;
        if (other->handshake.peer_epoch() == alive.handshake.peer_epoch()) continue;
        dismiss(*other, {restarted}, now);
    }
}

Hello Engine::own_hello(const storage::Now& now) const noexcept {
    Hello hello{exchange_.standing(now)};
    hello.live_session = session_number();
    hello.role = static_cast<std::uint8_t>(link_.role());
    hello.ready_since_ms =
        static_cast<std::uint64_t>(link_.ready_since().value_or(Instant(0)).count());
    hello.item_size_limit = options_.item_size_limit_bytes;
    hello.hash_check = options_.self.hash_check;
    hello.software_version = options_.software_version;
    hello.settings = options_.settings;
    return hello;
}

// Node a's choice. One that node b dialled waits for our own dial if that one is being answered,
// so that the outcome is the same whichever is quicker.
void Engine::choose(const storage::Now& now) noexcept {
    if (options_.self.node != node_a || session_ || find(Phase::chosen) != nullptr) return;
    Connection* choice = nullptr;
    for (auto& connection : connections_) {
        if (connection->phase != Phase::complete) continue;
        if (choice == nullptr || connection->is_dialled()) choice = connection.get();
    }
    if (choice == nullptr) return;
    const bool may_wait = !choice->is_dialled() && instant_of(now) < choice->deadline;
    if (may_wait && own_dial_is_answered()) return;
    if (!agrees_on_past(*choice, now)) return;
    begin_exchange(*choice, now);
    write_empty_frame(choice->output, FrameType::ready);
    choice->phase = Phase::chosen;
    choice->deadline = instant_of(now) + ready_answer_limit;
}

bool Engine::own_dial_is_answered() const noexcept {
    return std::any_of(connections_.begin(), connections_.end(), [](const auto& connection) {
        return connection->phase == Phase::handshake && connection->is_dialled() &&
               connection->handshake.is_introduced();
    });
}

void Engine::on_ready(Connection& connection, const storage::Now& now) noexcept {
    const bool is_a = options_.self.node == node_a;
    if (connection.phase != (is_a ? Phase::chosen : Phase::complete)) {
        return dismiss(connection, {"a READY out of turn"}, now);
    }
    if (!is_a) {
        if (session_) {
            end_session({SessionEnd::Kind::broken, "the peer has taken another connection"}, now);
        }
        if (!agrees_on_past(connection, now)) return;
        begin_exchange(connection, now);
        write_empty_frame(connection.output, FrameType::ready);
    }
    establish(connection, now);
}

// False: one of the two has to begin anew first, and the connection is given up. Both ask, as soon
// as they have said and heard HELLO, and again before a session begins.
bool Engine::agrees_on_past(Connection& connection, const storage::Now& now) noexcept {
    switch (exchange_.judge(connection.handshake.peer_hello())) {
        case Meeting::begin:
            return true;
        case Meeting::begin_anew:
            begin_anew("the peer counts on another state of this node", now);
            return false;
        case Meeting::let_go_anew:
            dismiss(connection,
                    {"the peer was put back to an earlier state, and has to begin anew", false,
                     Parting::linger},
                    now);
            return false;
    }
    return false;
}

void Engine::begin_exchange(const Connection& connection, const storage::Now& now) noexcept {
    if (exchange_.acquaintance().is_unconfirmed()) {
        log_.push_back({LogLevel::info,
                        "the peer confirms the items of the memory file: only what "
                        "changed is sent"});
    }
    exchange_.begin(connection.handshake.peer_hello(), now);
}

// As if the process had been started without its memory file: empty, an incarnation that nobody
// has met.
void Engine::begin_anew(std::string_view why, const storage::Now& now) noexcept {
    for (auto& connection : connections_) {
        if (!connection->is_candidate()) continue;
        write_frame(connection->output, Bye{ByeReason::replaced, "this node begins anew"});
        dismiss(*connection, {why, false, Parting::linger}, now);
    }
    const auto nonce = make_nonce(options_.entropy, nonces_++);
    options_.self.epoch = lib::load_little<std::uint64_t>(nonce.data()) | 1;  // never 0
    exchange_.forget(options_.self.epoch, now);
    log_.push_back({LogLevel::warning, "all items are forgotten: " + std::string(why)});
}

void Engine::establish(Connection& connection, const storage::Now& now) noexcept {
    const auto& handshake = connection.handshake;
    connection.phase = Phase::session;
    session_.emplace(Session::Parts{exchange_, *store_, options_.timing},
                     handshake.session_number(), handshake.peer_hello(), now);
    peer_software_ = printable(handshake.peer_hello().software_version);
    compare_settings(handshake.peer_hello());
    link_.agree_on(agreed_role(connection));
    std::string why = "a session over the connection that node ";
    why += node_name(handshake.dialled_by());
    why += " dialled, the peer is node ";
    why += node_name(handshake.peer_node());
    link_.on(LinkEvent::established, instant_of(now), why);
    dismiss_others(connection, now);
}

Role Engine::agreed_role(const Connection& connection) const noexcept {
    const auto ours = serving_age_of(connection.handshake.own_hello());
    const auto theirs = serving_age_of(connection.handshake.peer_hello());
    if (ours != theirs) return ours > theirs ? Role::primary : Role::secondary;
    return options_.self.node == node_a ? Role::primary : Role::secondary;
}

// What else the same two have between them is superfluous. Whoever has not begun a handshake may
// be anybody, also the peer that was restarted just now.
void Engine::dismiss_others(const Connection& chosen, const storage::Now& now) noexcept {
    for (auto& other : connections_) {
        if (other.get() == &chosen || !other->is_candidate()) continue;
        const bool same_peer = other->handshake.is_introduced() &&
                               other->handshake.peer_epoch() == chosen.handshake.peer_epoch();
        if (same_peer || other->is_dialled()) dismiss_crossed(*other, now);
    }
}

void Engine::compare_settings(const Hello& peer) noexcept {
    if (peer.protocol < 2 || peer.settings == options_.settings) return;
    log_.push_back({LogLevel::warning, "the nodes are set differently: here " + options_.settings +
                                           "; the peer " + printable(peer.settings)});
}

void Engine::end_session(const SessionEnd& end, const storage::Now& now, Parting parting) noexcept {
    assert(session_);
    flush_if_peer_crashed(end, now);
    exchange_.end();
    session_.reset();
    part(*find(Phase::session), parting, instant_of(now));
    switch (end.kind) {
        case SessionEnd::Kind::broken:
            return link_.on(LinkEvent::lost, instant_of(now), end.why);
        case SessionEnd::Kind::vanished:
            return link_.on(LinkEvent::vanished, instant_of(now), end.why);
        case SessionEnd::Kind::died:
            return link_.on(LinkEvent::died, instant_of(now), end.why);
        case SessionEnd::Kind::farewell:
            return link_.on(LinkEvent::farewell, instant_of(now), end.why);
        case SessionEnd::Kind::refused:
            link_.on(LinkEvent::lost, instant_of(now), end.why);
            return link_.on(LinkEvent::refused, instant_of(now), end.why);
    }
}

// What the peer had accepted and not yet told is lost, or out of sight: what is held here may be
// older. A peer that has served nobody has nothing to lose.
void Engine::flush_if_peer_crashed(const SessionEnd& end, const storage::Now& now) noexcept {
    const bool lost =
        end.kind != SessionEnd::Kind::farewell && end.kind != SessionEnd::Kind::refused;
    const bool both_served = link_.serving() == Serving::ready && session_->peer_state().serving;
    if (!options_.flush_on_peer_crash || !lost || !both_served || draining_) return;
    (void)store_->flush(now);
    log_.push_back(
        {LogLevel::warning, "all items are dropped (on-peer-crash = flush): " + end.why});
}

void Engine::part(Connection& connection, Parting parting, Instant now) noexcept {
    const bool lingers = parting == Parting::linger;
    connection.phase = lingers ? Phase::closing : Phase::closed;
    connection.resets = parting == Parting::reset;
    connection.deadline = now + linger_limit;
}

void Engine::dismiss(Connection& connection, const Dismissal& how,
                     const storage::Now& now) noexcept {
    assert(connection.is_candidate());
    const auto instant = instant_of(now);
    if (connection.phase == Phase::chosen) exchange_.end();
    part(connection, how.parting, instant);
    if (connection.is_dialled()) {
        link_.on(how.refused ? LinkEvent::refused : LinkEvent::dial_failed, instant, how.why);
    } else if (!connection.is_crossed) {
        note_stranger(how.why, instant);
    }
    const bool others = std::any_of(connections_.begin(), connections_.end(), [](const auto& one) {
        return one->is_candidate() && (one->is_dialled() || one->handshake.is_introduced());
    });
    if (!others) link_.on(LinkEvent::handshakes_over, instant, how.why);
}

void Engine::dismiss_crossed(Connection& connection, const storage::Now& now) noexcept {
    constexpr std::string_view why = "another connection of the two was taken";
    write_frame(connection.output, Bye{ByeReason::crossed, std::string(why)});
    connection.is_crossed = true;
    dismiss(connection, {why, false, Parting::linger}, now);
}

// Whoever accepted connections come from, they must not be able to fill the log.
void Engine::note_stranger(std::string_view why, Instant now) noexcept {
    ++strangers_;
    if (now < stranger_line_at_) return;
    stranger_line_at_ = now + stranger_line_pause;
    log_.push_back({LogLevel::warning, "turned away a connection: " + std::string(why)});
}

void Engine::judge_connections(const storage::Now& now) noexcept {
    for (auto& connection : connections_) {
        if (connection->deadline > instant_of(now)) continue;
        switch (connection->phase) {
            case Phase::handshake:
                dismiss(*connection, {"no handshake in time"}, now);
                break;
            case Phase::complete:
                // Node a chooses it now, in drain().
                if (options_.self.node != node_a) dismiss(*connection, {"no READY in time"}, now);
                break;
            case Phase::chosen:
                dismiss(*connection, {"no READY in time"}, now);
                break;
            case Phase::closing:
                connection->phase = Phase::closed;
                break;
            case Phase::session:
            case Phase::closed:
                break;
        }
    }
}

}  // namespace twincached::replication::pair
