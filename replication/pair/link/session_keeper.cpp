#include "replication/pair/link/session_keeper.hpp"

#include "lib/durations.hpp"
#include "replication/pair/node_identity.hpp"

#include <cassert>
#include <utility>

namespace twincached::replication::pair {
namespace {

// How long its sender had been serving when it wrote the HELLO; 0 = it is COLD.
std::uint64_t serving_age_of(const Hello& hello) noexcept {
    return hello.ready_since_ms == 0 ? 0 : hello.steady_ms - hello.ready_since_ms + 1;
}

// Which of the two is primary when a session begins: the one that has served for longer, for it
// missed nothing that the other accepted; of two alike node a. Both come to it by the same two
// HELLOs. What an operator has ordered goes before, where both know of it.
Role agreed_role(const Handshake& handshake, unsigned node) noexcept {
    const auto ours = serving_age_of(handshake.own_hello());
    const auto theirs = serving_age_of(handshake.peer_hello());
    const auto both = handshake.own_hello().capabilities & handshake.peer_hello().capabilities;
    const bool ours_by_order = handshake.own_hello().role == primary_by_order;
    const bool theirs_by_order = handshake.peer_hello().role == primary_by_order;
    if ((both & capability_orders) != 0 && ours_by_order != theirs_by_order)
        return ours_by_order ? Role::primary : Role::secondary;
    if (ours != theirs) return ours > theirs ? Role::primary : Role::secondary;
    return node == node_a ? Role::primary : Role::secondary;
}

// A pair whose nodes are set differently works, and surprises whoever counts on either.
void compare_settings(const std::string& own, const Hello& peer, LinkLog& log) {
    if (peer.protocol < 2 || peer.settings == own) return;
    log.note(LogLevel::warning, {"the nodes are set differently: here ", own, "; the peer ",
                                 printable(peer.settings)});
}

}  // namespace

std::optional<std::int64_t> SessionKeeper::peer_clock() const noexcept {
    return session_ ? session_->peer_clock() : peer_clock_;
}

void SessionKeeper::wake(const storage::Now& now) noexcept {
    if (session_) session_->wake(instant_of(now));
}

// --- what connections ask of the node ------------------------------------------------------------

Hello SessionKeeper::own_hello(const storage::Now& now) const {
    const auto& options = parts_.options;
    Hello hello{parts_.exchange.standing(now)};
    hello.live_session = session_number();
    hello.role = static_cast<std::uint8_t>(parts_.link.role());
    if (parts_.link.is_primary_by_order()) hello.role = primary_by_order;
    hello.ready_since_ms =
        static_cast<std::uint64_t>(parts_.link.ready_since().value_or(Instant(0)).count());
    hello.item_size_limit = options.item_size_limit_bytes;
    hello.hash_check = options.self.hash_check;
    hello.software_version = options.software_version;
    hello.settings = options.settings;
    hello.wall_ms = wall_ms_of(now);
    hello.hash_seed = parts_.incarnation.hash_seed();
    return hello;
}

bool SessionKeeper::takes_up_peers_hash(const Handshake& handshake) noexcept {
    const bool is_cold = parts_.link.serving() == Serving::cold;
    const bool follows = handshake.own_node() == node_b;
    return parts_.incarnation.take_up_peers_hash(is_cold, follows, handshake.peer_hello()) ||
           parts_.incarnation.may_take_up_hash(is_cold);
}

void SessionKeeper::begin_exchange(const Connection& connection, const storage::Now& now) noexcept {
    parts_.incarnation.begin_exchange(connection.handshake.peer_hello(), now);
}

void SessionKeeper::establish(Connection& connection, const storage::Now& now) {
    const auto& handshake = connection.handshake;
    const auto& hello = handshake.peer_hello();
    if (handshake.is_by_other_secret()) parts_.incarnation.prefer_other_secret();
    connection_ = &connection;
    last_contact_ = instant_of(now);
    session_.emplace(
        PeerSession::Parts{parts_.exchange, *store_, parts_.options.timing, parts_.arbitration},
        handshake.session_number(), hello, now);
    peer_software_ = printable(hello.software_version);
    session_began_ = instant_of(now);
    begin_catching_up(now);
    compare_settings(parts_.options.settings, hello, parts_.log);
    const auto role = agreed_role(handshake, parts_.options.self.node);
    parts_.link.agree_on(role);
    parts_.arbitration.begin(role == Role::primary,
                             handshake.protocol() >= protocol_with_arbitration);
    std::string why = "a session with the peer, over the connection that node ";
    why += node_name(handshake.dialled_by());
    why += " dialled";
    parts_.link.on(LinkEvent::established, instant_of(now), why);
}

// --- while it lasts ------------------------------------------------------------------------------

void SessionKeeper::on_frame(const Frame& frame, const storage::Now& now) {
    const auto over = session_->on_frame(frame, now);
    if (!over) return;
    // A node that lives says so before it hangs up.
    const bool last_word = over->ending != SessionEnd::Ending::farewell;
    if (last_word) write_frame(connection_->output, Error{ErrorReason::protocol, over->why});
    end(*over, now, last_word ? Parting::linger : Parting::at_once);
}

void SessionKeeper::on_malformed(const storage::Now& now) {
    const std::string why = "the bytes are no frame, or are damaged";
    write_frame(connection_->output, Error{ErrorReason::protocol, why});
    end({SessionEnd::Ending::broken, why}, now, Parting::linger);
}

void SessionKeeper::judge(const storage::Now& now) {
    if (!session_) return;
    const auto instant = instant_of(now);
    if (const auto why = session_->verdict(instant); !why.empty()) {
        write_frame(connection_->output, Bye{ByeReason::unheard, std::string(why)});
        const auto silence =
            "nothing from the peer for " + lib::rough_text(parts_.options.timing.silence);
        end({SessionEnd::Ending::broken, why == peer_is_silent ? silence : std::string(why)}, now,
            Parting::reset);
        return;
    }
    if (const auto behind = session_->behind(); !behind.empty()) {
        if (is_caught_up_) begin_catching_up(now);
        parts_.link.on(LinkEvent::fell_behind, instant, behind);
    } else if (session_->caught_up()) {
        const bool is_news = !std::exchange(is_caught_up_, true);
        parts_.link.on(LinkEvent::caught_up, instant, is_news ? in_sync(now) : std::string());
    }
}

void SessionKeeper::produce(const storage::Now& now) {
    const bool is_linked = session_ && parts_.link.state() == LinkState::linked;
    parts_.arbitration.tend(is_linked, now);
    if (!session_) return;
    const auto used = connection_->waiting + connection_->output.size();
    const PeerSession::Output output{connection_->waiting, std::exchange(connection_->moved, false),
                                     used < output_limit_bytes ? output_limit_bytes - used : 0};
    session_->produce(connection_->output, parts_.link, output, now);
}

void SessionKeeper::tend(AckGate* gate, const storage::Now& now) {
    if (gate != nullptr) {
        const bool in_step = session_ && parts_.link.state() == LinkState::linked;
        if (auto line = gate->observe({in_step, parts_.exchange.lag_ms(), now.steady_ms})) {
            const auto level = gate->is_in_sync() ? LogLevel::info : LogLevel::warning;
            parts_.log.note(level, {*line});
        }
    }
    tell_of_defects();
    tell_of_arbitration();
    tell_who_decides(instant_of(now));
    parts_.arbitration.wake_clients();
}

// A line for each change: since when one node decides for both, and since when each for itself.
void SessionKeeper::tell_who_decides(Instant now) {
    const auto holding = parts_.arbitration.holding();
    const bool is_off = holding == storage::Arbitration::off;
    const bool is_this = !is_off && parts_.arbitration.decides();
    if (holding == deciders_.holding && is_this == deciders_.is_this) return;
    deciders_ = {holding, is_this, now};
    const std::string_view who = is_off    ? "each node decides for itself"
                                 : is_this ? "this node decides for both"
                                           : "the other node decides for both";
    parts_.log.note(is_off ? LogLevel::warning : LogLevel::info,
                    {"arbitrate: ", storage::name_of(holding), " from now on: ", who});
}

// Rule A7. Once for each pair of settings; a node that is set to nothing has nothing to be told.
void SessionKeeper::tell_of_arbitration() {
    if (!session_ || !session_->peer_state()) return;
    const auto& arbitration = parts_.arbitration;
    const std::pair fresh{arbitration.mode(), arbitration.in_force()};
    if (std::exchange(arbitration_told_, fresh) == fresh || fresh.first == fresh.second) return;
    parts_.log.note(
        LogLevel::warning,
        {"arbitrate: this node is set to ", storage::name_of(fresh.first), ", the peer ",
         arbitration.is_known_to_peer() ? "to less" : "speaks an older protocol", ": ",
         storage::name_of(fresh.second), " holds"});
}

// By the rules this never happens; whoever runs the pair should hear if it does.
void SessionKeeper::tell_of_defects() noexcept {
    const auto defects = parts_.exchange.scrub_defects();
    if (defects == defects_told_) return;
    parts_.log.note(LogLevel::error, {"scrub: the nodes held different versions of ",
                                      std::to_string(defects - defects_told_),
                                      " items; the newer ones are being sent"});
    defects_told_ = defects;
}

// In a session, or anew in the midst of it: what is told at the end is of this alone.
void SessionKeeper::begin_catching_up(const storage::Now& now) noexcept {
    const auto stats = parts_.exchange.stats();
    is_caught_up_ = false;
    catching_up_began_ = instant_of(now);
    received_before_ = stats[ExchangeCounter::records_received];
    sent_before_ = stats[ExchangeCounter::records_sent];
}

std::string SessionKeeper::in_sync(const storage::Now& now) const {
    const auto stats = parts_.exchange.stats();
    const auto received = stats[ExchangeCounter::records_received] - received_before_;
    const auto sent = stats[ExchangeCounter::records_sent] - sent_before_;
    std::string text = "in sync with the peer after ";
    text += lib::rough_text(instant_of(now) - catching_up_began_);
    text += ": " + std::to_string(received) + " changes and items received, ";
    text += std::to_string(sent) + " sent; role ";
    return text.append(name_of(parts_.link.role()));
}

// With what it would cost if the peer were gone for good.
std::string SessionKeeper::at_its_end(std::string_view why, const storage::Now& now) const {
    const auto stats = parts_.exchange.stats();
    std::string text(why);
    text += "; after " + lib::rough_text(instant_of(now) - session_began_) + ", with ";
    if (stats.dirty_buckets > 0) text += "more than ";
    return text + std::to_string(stats.unacked) + " changes unconfirmed";
}

// What the log has no room for is counted nowhere: only that there is such is known.
void SessionKeeper::tell_of_overflow() noexcept {
    const auto stats = parts_.exchange.stats();
    const auto overflows = stats[TrackingCounter::overflows];
    if (stats.dirty_buckets == 0) {
        overflow_is_told_ = false;
        overflows_before_ = overflows;
    }
    if (overflows == overflows_before_ || overflow_is_told_) return;
    overflow_is_told_ = parts_.log.note(
        LogLevel::warning, {"the change log is full (log-memory): more has changed than the ",
                            std::to_string(stats.unacked),
                            " changes that repl_unacked counts; the rest is found by comparing "
                            "buckets with the peer"});
}

// --- its end -------------------------------------------------------------------------------------

void SessionKeeper::say(OrderWord word) {
    write_frame(connection_->output, OrderFrame{word});
}

void SessionKeeper::say_goodbye(const storage::Now& now) {
    write_frame(connection_->output, Bye{ByeReason::shutdown, "shutting down"});
    end({SessionEnd::Ending::farewell, "goodbye said"}, now, Parting::linger);
}

void SessionKeeper::lose_session(std::string_view why, const storage::Now& now) {
    end({SessionEnd::Ending::broken, std::string(why)}, now);
}

void SessionKeeper::abandon(std::string_view why, const storage::Now& now) noexcept {
    parts_.arbitration.end();
    parts_.exchange.end();
    connection_ = nullptr;
    if (!session_) return;
    flush_if_peer_crashed(SessionEnd::Ending::broken, why, now);
    peer_clock_ = session_->peer_clock();
    session_.reset();
    parts_.link.on(LinkEvent::lost, instant_of(now), why);
}

void SessionKeeper::end(const SessionEnd& end, const storage::Now& now, Parting parting) {
    assert(session_);
    flush_if_peer_crashed(end.ending, end.why, now);
    const bool has_died = end.ending == SessionEnd::Ending::died;
    const auto why = at_its_end(has_died ? end.why + ": its process ended" : end.why, now);
    parts_.arbitration.end();
    parts_.exchange.end();
    peer_clock_ = session_->peer_clock();
    session_.reset();
    std::exchange(connection_, nullptr)->part(parting, instant_of(now));
    auto& link = parts_.link;
    switch (end.ending) {
        case SessionEnd::Ending::broken:
            return link.on(LinkEvent::lost, instant_of(now), why);
        case SessionEnd::Ending::vanished:
            return link.on(LinkEvent::vanished, instant_of(now), why);
        case SessionEnd::Ending::died:
            return link.on(LinkEvent::died, instant_of(now), why);
        case SessionEnd::Ending::farewell:
            return link.on(LinkEvent::farewell, instant_of(now), why);
        case SessionEnd::Ending::refused:
            link.on(LinkEvent::lost, instant_of(now), why);
            return link.on(LinkEvent::refused, instant_of(now), end.why);
    }
}

// What the peer had accepted and not yet told is lost, or out of sight: what is held here may be
// older. A peer that has served nobody has nothing to lose, and a node that shuts down nothing to
// keep.
void SessionKeeper::flush_if_peer_crashed(SessionEnd::Ending ending, std::string_view why,
                                          const storage::Now& now) noexcept {
    if (parts_.options.chosen.on_peer_crash == OnPeerCrash::keep) return;
    const bool is_lost =
        ending != SessionEnd::Ending::farewell && ending != SessionEnd::Ending::refused;
    const bool is_down = parts_.link.state() == LinkState::draining;
    const bool both_served = parts_.link.serving() == Serving::ready && session_->peer_is_serving();
    if (!is_lost || is_down || !both_served) return;
    (void)store_->flush(now);
    parts_.log.note(LogLevel::warning, {"all items are dropped (on-peer-crash = flush): ", why});
}

}  // namespace twincached::replication::pair
