#include "replication/pair/link/engine.hpp"

#include "lib/endian.hpp"
#include "replication/changes/change_sink.hpp"
#include "replication/pair/link/connection.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

namespace twincached::replication::pair {

Engine::Engine(EngineOptions options, ChangeSink& sink) noexcept
    : options_(std::move(options)),
      gate_(sink.gate()),
      exchange_(sink, {.epoch = options_.self.epoch,
                       .node = options_.self.node,
                       .sync_rate_bytes = options_.sync_rate_bytes,
                       .scrub_interval_ms = options_.scrub_interval_ms}),
      link_(options_.timing, options_.has_peer,
            lib::load_little<std::uint64_t>(options_.entropy.data()), options_.on_split) {}

Engine::~Engine() = default;

void Engine::attach(storage::Store& store) noexcept {
    store_ = &store;
    exchange_.attach(store);
    // Any text does: both nodes ask for the same one.
    options_.self.hash_check = store.key("twincached: do both nodes hash alike?").hash;
}

std::string Engine::remember() {
    return exchange_.remember(draining_ ? drained_alone_ : !session_);
}

bool Engine::recall(std::string_view remembered) {
    if (!exchange_.recall(remembered)) return false;
    options_.self.epoch = exchange_.acquaintance().epoch();
    return true;
}

// --- events ------------------------------------------------------------------------------------

void Engine::start(const storage::Now& now) noexcept {
    link_.on(LinkEvent::start, instant_of(now));
}

void Engine::on_accepted(ConnectionId id, const storage::Now& now) noexcept {
    make_room_for_stranger(now);
    auto& connection = open(id, Side::acceptor, instant_of(now));
    if (draining_) connection.phase = Phase::closed;
}

void Engine::on_connected(ConnectionId id, const storage::Now& now) noexcept {
    auto& connection = open(id, Side::dialler, instant_of(now));
    if (!std::exchange(dialling_, false)) {
        connection.phase = Phase::closed;  // it crossed a hang-up
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
    auto* connection = find(id);
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

void Engine::on_malformed(Connection& connection, const storage::Now& now) noexcept {
    constexpr std::string_view why = "the bytes are no frame, or are damaged";
    if (connection.phase == Phase::session) {
        write_frame(connection.output, Error{ErrorReason::protocol, std::string(why)});
        end_session({SessionEnd::Kind::broken, std::string(why)}, now, Parting::linger);
    } else {
        dismiss(connection, {why}, now);
    }
}

void Engine::on_sent(ConnectionId id, std::size_t count, const storage::Now& now) noexcept {
    wake_session(now);
    auto* connection = find(id);
    if (connection == nullptr) return;
    assert(count <= connection->waiting);
    connection->waiting -= count;
    connection->moved = true;
}

void Engine::on_closed(ConnectionId id, std::string_view why, const storage::Now& now) noexcept {
    close(id, SessionEnd::Kind::vanished, why, now);
}

void Engine::on_end_of_stream(ConnectionId id, std::string_view why,
                              const storage::Now& now) noexcept {
    close(id, SessionEnd::Kind::died, why, now);
}

void Engine::close(ConnectionId id, SessionEnd::Kind kind, std::string_view why,
                   const storage::Now& now) noexcept {
    wake_session(now);
    auto* connection = find(id);
    if (connection == nullptr) return;
    if (connection->phase == Phase::session) {
        end_session({kind, std::string(why)}, now);
    } else if (connection->is_candidate()) {
        dismiss(*connection, {why}, now);
    }
    connection->phase = Phase::closed;
}

void Engine::on_timer(const storage::Now& now) noexcept {
    wake_session(now);
    link_.on(LinkEvent::timer, instant_of(now));
    judge_connections(now);
}

void Engine::on_wake(const storage::Now& now) noexcept {
    wake_session(now);
}

void Engine::begin_drain(const storage::Now& now) noexcept {
    if (std::exchange(draining_, true)) return;
    drained_alone_ = !session_ && std::none_of(connections_.begin(), connections_.end(),
                                               [](const auto& connection) {
                                                   return connection->handshake.is_introduced();
                                               });
    drain_until_ = instant_of(now) + options_.drain_timeout;
    for (auto& connection : connections_) {
        if (connection->is_candidate()) dismiss(*connection, {"shutting down"}, now);
    }
    link_.on(LinkEvent::shutdown, instant_of(now), "shutting down");
}

void Engine::set_on_split(OnSplit policy, const storage::Now& now) noexcept {
    wake_session(now);
    link_.set_on_split(policy);
}

void Engine::wake_session(const storage::Now& now) noexcept {
    if (session_) session_->wake(instant_of(now));
}

// --- what is to be done ------------------------------------------------------------------------

void Engine::drain(const storage::Now& now, std::vector<Action>& actions) noexcept {
    if (!draining_) choose(now);
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
        auto& connection = *find(Phase::session);
        write_frame(connection.output, Bye{ByeReason::unheard, std::string(why)});
        end_session({SessionEnd::Kind::broken, std::string(why)}, now, Parting::reset);
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
    auto& connection = *find(Phase::session);
    const auto used = connection.waiting + connection.output.size();
    const Session::Output output{connection.waiting, std::exchange(connection.moved, false),
                                 used < output_limit_bytes ? output_limit_bytes - used : 0};
    session_->produce(connection.output, link_, output, now);
}

void Engine::say_goodbye_when_drained(const storage::Now& now) noexcept {
    if (session_ && (exchange_.drained() || instant_of(now) >= drain_until_)) {
        auto& connection = *find(Phase::session);
        write_frame(connection.output, Bye{ByeReason::shutdown, "shutting down"});
        end_session({SessionEnd::Kind::farewell, "goodbye said"}, now, Parting::linger);
    }
    const bool busy = session_ || find(Phase::closing) != nullptr;
    if (!busy && !said_drained_) drained_ = said_drained_ = true;
}

void Engine::flush_machine(std::vector<Action>& actions) noexcept {
    for (auto& line : link_.take_log())
        log_.push_back(std::move(line));
    for (auto& line : log_) {
        actions.push_back({Action::Kind::log, 0, {}, std::move(line)});
    }
    log_.clear();
    if (link_.take_hang_up() && std::exchange(dialling_, false)) {
        actions.push_back({Action::Kind::hang_up});
    }
    if (link_.take_dial()) {
        dialling_ = true;
        actions.push_back({Action::Kind::dial});
    }
    if (link_.take_ready()) actions.push_back({Action::Kind::ready});
    if (const auto access = link_.take_access()) {
        actions.push_back({Action::Kind::access, 0, {}, {}, *access});
    }
}

void Engine::flush(std::vector<Action>& actions) noexcept {
    for (auto& connection : connections_) {
        const bool is_closed = connection->phase == Phase::closed;
        if (!connection->output.empty() && (!is_closed || connection->resets)) {
            connection->waiting += connection->output.size();
            actions.push_back(
                {Action::Kind::send, connection->id, std::exchange(connection->output, {})});
        }
        if (is_closed) {
            const auto kind = connection->resets ? Action::Kind::reset : Action::Kind::close;
            actions.push_back({kind, connection->id});
        }
    }
    std::erase_if(connections_, [](const auto& one) { return one->phase == Phase::closed; });
}

std::optional<Instant> Engine::deadline(const storage::Now& now) const noexcept {
    auto first = link_.deadline();
    const auto consider = [&first](Instant at) {
        if (!first || at < *first) first = at;
    };
    // What node a has not chosen waits for the one that it has chosen.
    const bool has_chosen = options_.self.node == node_a && (session_ || find(Phase::chosen));
    for (const auto& connection : connections_) {
        if (connection->phase == Phase::session) continue;
        if (connection->phase == Phase::complete && has_chosen) continue;
        consider(connection->deadline);
    }
    if (session_) consider(session_->deadline(instant_of(now)));
    return first;
}

LinkReport Engine::report(const storage::Now& now) const noexcept {
    LinkReport report;
    report.state = link_.state();
    report.serving = link_.serving();
    report.role = link_.role();
    report.promotions = link_.promotions();
    report.sessions = link_.sessions();
    report.refused = link_.refusals();
    report.strangers = strangers_;
    report.last_refusal = link_.last_refusal();
    report.last_event = link_.last_event();
    report.peer_software = peer_software_;
    report.access = link_.access();
    if (store_ != nullptr) {
        report.versions_ahead_ms =
            static_cast<std::int64_t>((store_->version_time() >> 10) - now.version_ms);
        report.versions_ahead_ms = std::max<std::int64_t>(report.versions_ahead_ms, 0);
    }
    if (session_) {
        report.clock_offset_ms = session_->clock_offset_ms();
        report.round_trip_ms = session_->round_trip_ms();
        report.protocol = find(Phase::session)->handshake.protocol();
    }
    return report;
}

}  // namespace twincached::replication::pair
