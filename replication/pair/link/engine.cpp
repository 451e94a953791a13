#include "replication/pair/link/engine.hpp"

#include "lib/endian.hpp"
#include "replication/changes/change_sink.hpp"
#include "replication/pair/link/agreed_role.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

namespace twincached::replication::pair {
namespace {

// Any text does: both nodes ask for the same one.
std::uint64_t hash_check_of(const storage::Store& store) noexcept {
    return store.key("twincached: do both nodes hash alike?").hash;
}

}  // namespace

Engine::Engine(EngineOptions options, ChangeSink& sink) noexcept
    : options_(std::move(options)),
      gate_(sink.gate()),
      exchange_(sink, {.epoch = options_.self.epoch,
                       .node = options_.self.node,
                       .sync_rate_bytes = options_.chosen.sync_rate_bytes,
                       .scrub_interval_ms =
                           static_cast<std::uint64_t>(options_.chosen.scrub_interval.count()),
                       .clock_max_ahead_ms = clock_max_ahead_ms(options_.self)}),
      link_(options_.timing, options_.has_peer,
            lib::load_little<std::uint64_t>(options_.entropy.data()), options_.chosen.on_split),
      connections_({options_.self, options_.timing, link_, *this}, options_.entropy) {}

void Engine::attach(storage::Store& store) noexcept {
    store_ = &store;
    exchange_.attach(store);
    options_.self.hash_check = hash_check_of(store);
}

std::string Engine::remember() {
    return exchange_.remember(draining_ ? drained_alone_ : !session_);
}

bool Engine::recall(std::string_view remembered, const storage::Now& now) {
    hash_is_settled_ = true;
    if (!exchange_.recall(remembered, now)) return false;
    options_.self.epoch = exchange_.acquaintance().epoch();
    options_.self.node = exchange_.acquaintance().node();
    return true;
}

// --- events ------------------------------------------------------------------------------------

void Engine::start(const storage::Now& now) noexcept {
    link_.on(LinkEvent::start, instant_of(now));
}

void Engine::on_accepted(ConnectionId id, const storage::Now& now) noexcept {
    auto& connection = connections_.accept(id, now);
    if (draining_) connection.phase = Phase::closed;
}

void Engine::on_connected(ConnectionId id, const storage::Now& now) noexcept {
    auto& connection = connections_.open(id, Side::dialler, instant_of(now));
    if (!std::exchange(dialling_, false)) {
        connection.phase = Phase::closed;  // it crossed a hang-up
        return;
    }
    if (!is_decided(options_.self.node)) {
        connection.phase = Phase::closed;  // which of the two should it say that it is?
        link_.on(LinkEvent::dial_failed, instant_of(now), "this node is neither a nor b yet");
        return;
    }
    link_.on(LinkEvent::connected, instant_of(now), "the peer accepted our call");
    connection.handshake.begin(connection.output);
}

void Engine::on_connect_failed(std::string_view why, const storage::Now& now) noexcept {
    if (!std::exchange(dialling_, false)) return;
    link_.on(LinkEvent::dial_failed, instant_of(now), why);
}

void Engine::on_connect_refused(std::string_view why, const storage::Now& now) noexcept {
    link_.on(LinkEvent::nobody_there, instant_of(now), why);
    on_connect_failed(why, now);
}

void Engine::on_bytes(ConnectionId id, std::string_view bytes, const storage::Now& now) noexcept {
    wake_session(now);
    auto* connection = connections_.find(id);
    if (connection == nullptr || connection->phase >= Phase::closing) return;
    if (connection->phase == Phase::session) session_->heard(instant_of(now));
    auto& input = connection->input;
    const bool gathered = !input.empty();
    if (gathered) input.append(bytes);
    auto rest = gathered ? input.readable() : bytes;
    while (connection->phase < Phase::closing) {
        const auto read = read_frame(rest, connection->handshake.payload_limit());
        if (read.status == FrameStatus::need_more) break;
        if (read.status == FrameStatus::malformed) {
            on_malformed(*connection, now);
            return;
        }
        on_frame(*connection, read.frame, now);
        rest.remove_prefix(read.size);
    }
    if (gathered) {
        input.consume(input.size() - rest.size());
    } else {
        input.append(rest);
    }
}

void Engine::on_frame(Connection& connection, const Frame& frame,
                      const storage::Now& now) noexcept {
    if (connection.phase != Phase::session) return connections_.on_frame(connection, frame, now);
    const auto end = session_->on_frame(frame, now);
    if (!end) return;
    // A node that lives says so before it hangs up.
    const bool last_word = end->ending != SessionEnd::Ending::farewell;
    if (last_word) write_frame(connection.output, Error{ErrorReason::protocol, end->why});
    end_session(*end, now, last_word ? Parting::linger : Parting::at_once);
}

void Engine::on_malformed(Connection& connection, const storage::Now& now) noexcept {
    constexpr std::string_view why = "the bytes are no frame, or are damaged";
    if (connection.phase == Phase::session) {
        write_frame(connection.output, Error{ErrorReason::protocol, std::string(why)});
        end_session({SessionEnd::Ending::broken, std::string(why)}, now, Parting::linger);
    } else {
        connections_.dismiss(connection, {why}, now);
    }
}

void Engine::on_sent(ConnectionId id, std::size_t count, const storage::Now& now) noexcept {
    wake_session(now);
    auto* connection = connections_.find(id);
    if (connection == nullptr) return;
    assert(count <= connection->waiting);
    connection->waiting -= count;
    connection->moved = true;
}

bool Engine::listens(ConnectionId id, const storage::Now& now) noexcept {
    const auto* connection = connections_.find(id);
    const bool is_session = connection != nullptr && connection->phase == Phase::session;
    return !is_session || session_->listens(instant_of(now));
}

void Engine::on_closed(ConnectionId id, std::string_view why, const storage::Now& now) noexcept {
    close(id, SessionEnd::Ending::vanished, why, now);
}

void Engine::on_end_of_stream(ConnectionId id, std::string_view why,
                              const storage::Now& now) noexcept {
    close(id, SessionEnd::Ending::died, why, now);
}

void Engine::close(ConnectionId id, SessionEnd::Ending ending, std::string_view why,
                   const storage::Now& now) noexcept {
    wake_session(now);
    auto* connection = connections_.find(id);
    if (connection == nullptr) return;
    if (connection->phase == Phase::session) {
        end_session({ending, std::string(why)}, now);
    } else if (connection->is_candidate()) {
        connections_.dismiss(*connection, {why}, now);
    }
    connection->phase = Phase::closed;
}

void Engine::on_timer(const storage::Now& now) noexcept {
    wake_session(now);
    link_.on(LinkEvent::timer, instant_of(now));
    connections_.judge(now);
}

void Engine::on_wake(const storage::Now& now) noexcept {
    wake_session(now);
}

void Engine::begin_drain(const storage::Now& now) noexcept {
    if (std::exchange(draining_, true)) return;
    drained_alone_ = !session_ && !connections_.is_peer_there();
    drain_until_ = instant_of(now) + options_.drain_timeout;
    connections_.dismiss_all({"shutting down"}, nullptr, now);
    link_.on(LinkEvent::shutdown, instant_of(now), "shutting down");
}

void Engine::set_on_split(OnSplit policy, const storage::Now& now) noexcept {
    wake_session(now);
    link_.set_on_split(policy);
}

void Engine::decide_node(unsigned node, std::string_view why) noexcept {
    assert(!is_decided(options_.self.node) && is_decided(node));
    options_.self.node = node;
    exchange_.decide_node(node);
    std::string line = "this node is ";
    line.append(node_name(node)).append(": ").append(why);
    log_.push_back({LogLevel::info, std::move(line)});
}

void Engine::wake_session(const storage::Now& now) noexcept {
    if (session_) session_->wake(instant_of(now));
}

// --- what connections ask of the node ----------------------------------------------------------

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
    hello.wall_ms = wall_ms_of(now);
    return hello;
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
            connections_.dismiss(
                connection,
                {"the peer was put back to an earlier state, and has to begin anew", false,
                 Parting::linger},
                now);
            return false;
    }
    return false;
}

// Versions before this made the hash's seed of the secret in another way. A node that is empty, and
// has served nobody, does as its peer does, so that a pair is upgraded one node at a time; it is as
// safe, for no look-up takes long whatever the keys.
bool Engine::takes_up_peers_hash() noexcept {
    const bool is_new = link_.serving() == Serving::cold && !hash_is_settled_;
    if (!is_new || options_.self.secret.empty()) return false;
    if (!store_->rehash(lib::KeyedHash(options_.self.secret))) return false;
    hash_is_settled_ = true;
    options_.self.hash_check = hash_check_of(*store_);
    log_.push_back({LogLevel::info,
                    "keys hash as on the peer from now on, in the way of versions before this"});
    return true;
}

void Engine::begin_exchange(const Connection& connection, const storage::Now& now) noexcept {
    hash_is_settled_ = true;
    if (exchange_.acquaintance().is_unconfirmed()) {
        log_.push_back({LogLevel::info,
                        "the peer confirms the items of the memory file: only what differs is "
                        "sent"});
    }
    exchange_.begin(connection.handshake.peer_hello(), now);
}

// As if the process had been started without its memory file: empty, an incarnation that nobody
// has met.
void Engine::begin_anew(std::string_view why, const storage::Now& now) noexcept {
    const Bye bye{ByeReason::replaced, "this node begins anew"};
    connections_.dismiss_all({why, false, Parting::linger}, &bye, now);
    const auto nonce = connections_.next_nonce();
    options_.self.epoch = lib::load_little<std::uint64_t>(nonce.data()) | 1;  // never 0
    exchange_.forget(options_.self.epoch, now);
    log_.push_back({LogLevel::warning, "all items are forgotten: " + std::string(why)});
}

// The peer has refused this node's clock, and that is right now: it was not when the node wrote.
// What it wrote then nobody may believe, for years perhaps; nor may it go on with such versions.
void Engine::on_clock_refused(const storage::Now& now) noexcept {
    const auto wall_ms = static_cast<std::uint64_t>(std::max<std::int64_t>(0, wall_ms_of(now)));
    const storage::VersionGate gate(wall_ms, clock_max_ahead_ms(options_.self));
    // A flush of that time would be one of all that is written from now on: it has to be waited
    // for.
    if (gate.admits_time(store_->version_time()) || !gate.admits(store_->flush_version())) return;
    begin_anew("they were written by a clock further ahead than clock-max-ahead", now);
    exchange_.restart_versions();
}

void Engine::establish(Connection& connection, const storage::Now& now) noexcept {
    const auto& handshake = connection.handshake;
    session_.emplace(PeerSession::Parts{exchange_, *store_, options_.timing},
                     handshake.session_number(), handshake.peer_hello(), now);
    peer_software_ = printable(handshake.peer_hello().software_version);
    compare_settings(handshake.peer_hello());
    link_.agree_on(agreed_role(handshake, options_.self.node));
    std::string why = "a session over the connection that node ";
    why += node_name(handshake.dialled_by());
    why += " dialled, the peer is node ";
    why += node_name(handshake.peer_node());
    link_.on(LinkEvent::established, instant_of(now), why);
}

// --- the end of a session ----------------------------------------------------------------------

void Engine::lose_session(std::string_view why, const storage::Now& now) noexcept {
    end_session({SessionEnd::Ending::broken, std::string(why)}, now);
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
    peer_clock_ = session_->peer_clock();
    session_.reset();
    connections_.part(*connections_.find(Phase::session), parting, instant_of(now));
    switch (end.ending) {
        case SessionEnd::Ending::broken:
            return link_.on(LinkEvent::lost, instant_of(now), end.why);
        case SessionEnd::Ending::vanished:
            return link_.on(LinkEvent::vanished, instant_of(now), end.why);
        case SessionEnd::Ending::died:
            return link_.on(LinkEvent::died, instant_of(now), end.why);
        case SessionEnd::Ending::farewell:
            return link_.on(LinkEvent::farewell, instant_of(now), end.why);
        case SessionEnd::Ending::refused:
            link_.on(LinkEvent::lost, instant_of(now), end.why);
            return link_.on(LinkEvent::refused, instant_of(now), end.why);
    }
}

// What the peer had accepted and not yet told is lost, or out of sight: what is held here may be
// older. A peer that has served nobody has nothing to lose.
void Engine::flush_if_peer_crashed(const SessionEnd& end, const storage::Now& now) noexcept {
    const bool lost =
        end.ending != SessionEnd::Ending::farewell && end.ending != SessionEnd::Ending::refused;
    const bool both_served = link_.serving() == Serving::ready && session_->peer_state().serving;
    if (options_.chosen.on_peer_crash == OnPeerCrash::keep || !lost || !both_served || draining_)
        return;
    (void)store_->flush(now);
    log_.push_back(
        {LogLevel::warning, "all items are dropped (on-peer-crash = flush): " + end.why});
}

// --- what is to be done ------------------------------------------------------------------------

void Engine::drain(const storage::Now& now, std::vector<Action>& actions) noexcept {
    if (!draining_) connections_.choose(now);
    const bool serves_alone = link_.serving() == Serving::ready && !session_;
    if (serves_alone && exchange_.acquaintance().needs_peers_word())
        begin_anew("no peer confirms them", now);
    judge_session(now);
    produce(now);
    if (draining_) say_goodbye_when_drained(now);
    tend_gate(now);
    tell_of_defects();
    flush_machine(actions);
    flush(actions);
    if (std::exchange(drained_, false)) actions.push_back({Action::Kind::drained});
}

void Engine::judge_session(const storage::Now& now) noexcept {
    if (!session_) return;
    const auto instant = instant_of(now);
    if (const auto why = session_->verdict(instant); !why.empty()) {
        auto& connection = *connections_.find(Phase::session);
        write_frame(connection.output, Bye{ByeReason::unheard, std::string(why)});
        end_session({SessionEnd::Ending::broken, std::string(why)}, now, Parting::reset);
        return;
    }
    if (const auto behind = session_->behind(); !behind.empty()) {
        link_.on(LinkEvent::fell_behind, instant, behind);
    } else if (session_->caught_up()) {
        link_.on(LinkEvent::caught_up, instant);
    }
}

void Engine::tend_gate(const storage::Now& now) noexcept {
    if (gate_ == nullptr) return;
    const bool in_step = session_ && link_.state() == LinkState::linked;
    if (auto line = gate_->observe({in_step, exchange_.lag_ms(), now.steady_ms})) {
        const auto level = gate_->is_in_sync() ? LogLevel::info : LogLevel::warning;
        log_.push_back({level, std::move(*line)});
    }
}

// By the rules this never happens; whoever runs the pair should hear if it does.
void Engine::tell_of_defects() noexcept {
    const auto defects = exchange_.scrub_defects();
    if (defects == defects_told_) return;
    log_.push_back({LogLevel::error, "scrub: the nodes held different versions of " +
                                         std::to_string(defects - defects_told_) +
                                         " items; the newer ones are being sent"});
    defects_told_ = defects;
}

void Engine::produce(const storage::Now& now) noexcept {
    if (!session_) return;
    auto& connection = *connections_.find(Phase::session);
    const auto used = connection.waiting + connection.output.size();
    const PeerSession::Output output{connection.waiting, std::exchange(connection.moved, false),
                                     used < output_limit_bytes ? output_limit_bytes - used : 0};
    session_->produce(connection.output, link_, output, now);
}

void Engine::say_goodbye_when_drained(const storage::Now& now) noexcept {
    if (session_ && (exchange_.drained() || instant_of(now) >= drain_until_)) {
        auto& connection = *connections_.find(Phase::session);
        write_frame(connection.output, Bye{ByeReason::shutdown, "shutting down"});
        end_session({SessionEnd::Ending::farewell, "goodbye said"}, now, Parting::linger);
    }
    const bool busy = session_ || connections_.find(Phase::closing) != nullptr;
    if (!busy && !said_drained_) drained_ = said_drained_ = true;
}

void Engine::flush_machine(std::vector<Action>& actions) noexcept {
    auto orders = link_.take_orders();
    for (auto& line : connections_.take_log())
        log_.push_back(std::move(line));
    for (auto& line : orders.lines)
        log_.push_back(std::move(line));
    for (auto& line : log_) {
        actions.push_back({Action::Kind::log, 0, {}, std::move(line)});
    }
    log_.clear();
    if (orders.hang_up && std::exchange(dialling_, false)) {
        actions.push_back({Action::Kind::hang_up});
    }
    if (orders.dial) {
        dialling_ = true;
        actions.push_back({Action::Kind::dial});
    }
    if (orders.ready) actions.push_back({Action::Kind::ready});
    if (orders.access) {
        actions.push_back({Action::Kind::access, 0, {}, {}, *orders.access});
    }
}

void Engine::flush(std::vector<Action>& actions) noexcept {
    connections_.flush([&actions](Connection& connection) {
        const bool is_closed = connection.phase == Phase::closed;
        if (!connection.output.empty() && (!is_closed || connection.resets)) {
            connection.waiting += connection.output.size();
            actions.push_back(
                {Action::Kind::send, connection.id, std::exchange(connection.output, {})});
        }
        if (!is_closed) return;
        actions.push_back(
            {connection.resets ? Action::Kind::reset : Action::Kind::close, connection.id});
    });
}

std::optional<Instant> Engine::deadline(const storage::Now& now) const noexcept {
    auto first = link_.deadline();
    const auto consider = [&first](Instant at) {
        if (!first || at < *first) first = at;
    };
    if (const auto at = connections_.deadline()) consider(*at);
    if (session_) consider(session_->deadline(instant_of(now)));
    return first;
}

LinkReport Engine::report(const storage::Now& now) const noexcept {
    LinkReport report;
    report.node = options_.self.node;
    report.state = link_.state();
    report.serving = link_.serving();
    report.role = link_.role();
    report.promotions = link_.promotions();
    report.sessions = link_.sessions();
    report.refused = link_.refusals();
    report.strangers = connections_.strangers();
    report.last_refusal = link_.last_refusal();
    report.last_event = link_.last_event();
    report.peer_software = peer_software_;
    report.access = link_.access();
    report.peer_clock = session_ ? session_->peer_clock() : peer_clock_;
    const auto wall_ms = wall_ms_of(now);
    if (store_ != nullptr) {
        report.versions_ahead_ms =
            static_cast<std::int64_t>(store_->version_time() >> 10) - wall_ms;
        report.versions_ahead_ms = std::max<std::int64_t>(report.versions_ahead_ms, 0);
    }
    if (session_) {
        report.clock_offset_ms =
            session_->peer_clock() + static_cast<std::int64_t>(now.steady_ms) - wall_ms;
        report.round_trip_ms = session_->round_trip_ms();
        report.protocol = connections_.find(Phase::session)->handshake.protocol();
    }
    return report;
}

}  // namespace twincached::replication::pair
