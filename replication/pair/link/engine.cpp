#include "replication/pair/link/engine.hpp"

#include "lib/endian.hpp"
#include "replication/changes/change_sink.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

namespace twincached::replication::pair {
namespace {

constexpr std::string_view peer_is_there =
    "the peer runs twincached now, and the repcached's link gives way";
constexpr std::string_view no_memory = "there was no memory for the link";

// What the exchange needs of the node's options; it knows nothing of links.
ExchangeOptions exchange_options(const EngineOptions& options) noexcept {
    const auto interval = options.chosen.scrub_interval;
    return {.epoch = options.self.epoch,
            .node = options.self.node,
            .sync_rate_bytes = options.chosen.sync_rate_bytes,
            .scrub_interval_ms = static_cast<std::uint64_t>(interval.count()),
            .clock_max_ahead_ms = clock_max_ahead_ms(options.self)};
}

// What was written since the last time leaves, then the connections that are over; those do not
// wait for their last bytes, but one that is reset is told to the other end by them.
void collect_output(Connections& connections, std::vector<Action>& actions) {
    // A word and an end for each, and that this node has said goodbye.
    actions.reserve(actions.size() + 2 * connections.size() + 1);
    connections.flush([&actions](Connection& connection) {
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

// "node b (host-b:11212)"; empty: its place is not known.
std::string peer_name(const EngineOptions& options) {
    const auto& place = options.peer_place;
    if (place.empty()) return {};
    const auto node = options.self.node;
    if (!is_decided(node)) return "the peer (" + place + ")";
    return "node " + std::string(node_name(other_node(node))) + " (" + place + ")";
}

// How far the versions that the store allots are ahead of the wall clock.
std::int64_t versions_ahead_ms(const storage::Store& store, std::int64_t wall_ms) noexcept {
    const auto version_ms = static_cast<std::int64_t>(store.version_time() >> 10);
    return std::max<std::int64_t>(version_ms - wall_ms, 0);
}

// By which an order is judged.
OrderFacts facts_of(bool has_peer, const LinkMachine& link, const SessionKeeper& keeper,
                    const OperatorOrders& orders) noexcept {
    const auto* session = keeper.session();
    return {.has_peer = has_peer,
            .peer_understands = session != nullptr && session->understands_orders(),
            .has_what_is_here = session != nullptr && session->behind().empty(),
            .state = link.state(),
            .serving = link.serving(),
            .role = link.role(),
            .is_handing_over = orders.is_handing_over(),
            .is_stepping_back = orders.is_stepping_back(),
            .access = link.access()};
}

OrderFacts with_legacy(OrderFacts facts, const LegacyService& legacy) noexcept {
    facts.is_legacy = legacy.in_session();
    return facts;
}

// For the history of primaries: from whom to whom, as one node sees it. A node that never served
// beside another does not say who was the primary before it.
RoleChange change_of(const RoleTurn& turn, unsigned own, std::uint64_t unconfirmed) {
    const std::string here(node_name(own));
    const std::string peer(is_decided(own) ? node_name(other_node(own)) : "");
    const bool is_here = turn.role == Role::primary;
    auto from = is_here ? peer : here;
    if (!turn.knew_primary) from.clear();
    return {.from = std::move(from),
            .to = is_here ? here : peer,
            .here = here,
            .why = turn.why,
            .unconfirmed = unconfirmed};
}

}  // namespace

Engine::Engine(EngineOptions options, ChangeSink& sink)
    : options_(std::move(options)),
      gate_(sink.gate()),
      exchange_(sink, exchange_options(options_)),
      arbitration_({exchange_, sink, options_.desk}, options_.arbitration),
      link_(options_.timing, options_.has_peer,
            lib::load_little<std::uint64_t>(options_.entropy.data()), options_.chosen.on_split),
      incarnation_(options_.self, exchange_, log_),
      keeper_({options_, incarnation_, exchange_, link_, log_, arbitration_}),
      orders_({link_, exchange_, log_, arbitration_}),
      connections_({options_.self, options_.timing, link_, strangers_, keeper_}, options_.entropy),
      legacy_({sink, options_.self, link_, exchange_, connections_}, legacy_of(options_.chosen),
              options_.item_size_limit_bytes) {}

// The store is made after the engine, with the sink that both share.
void Engine::attach(storage::Store& store) noexcept {
    store_ = &store;
    incarnation_.attach(store);
    keeper_.attach(store);
    arbitration_.attach(store);
    legacy_.attach(store);
}

std::string Engine::remember() {
    return exchange_.remember(draining_ ? draining_->alone : !has_session());
}

bool Engine::recall(std::string_view remembered, const storage::Now& now) {
    return incarnation_.recall(remembered, now);
}

// --- events ------------------------------------------------------------------------------------

void Engine::start(const storage::Now& now) noexcept {
    keeper_.begin(instant_of(now));
    legacy_.start(instant_of(now));
    link_.on(LinkEvent::start, instant_of(now), {});
}

// Accepted while the node drains: closed without a word, as if nobody listened any more.
void Engine::on_accepted(ConnectionId id, const storage::Now& now, std::string_view from,
                         bool is_from_peer) {
    auto& connection = connections_.accept(id, from, now);
    connection.is_from_peer = is_from_peer;
    if (draining_) connection.phase = Phase::closed;
}

void Engine::on_connected(ConnectionId id, const storage::Now& now) {
    auto& connection = connections_.open(id, Side::dialler, now);
    if (!std::exchange(dialling_, false)) {
        connection.phase = Phase::closed;  // it crossed a hang-up
        return;
    }
    if (!is_decided(options_.self.node)) {
        connection.phase = Phase::closed;  // which of the two should it say that it is?
        link_.on(LinkEvent::dial_failed, instant_of(now),
                 "this node is neither a nor b yet, as long as the peer has no address");
        return;
    }
    link_.on(LinkEvent::connected, instant_of(now), "the peer accepted our call");
    legacy_.on_connected(connection, now);
    connection.handshake.begin(connection.output);
}

// That nobody runs over there is also of interest when the dial was given up meanwhile.
void Engine::on_connect_failed(const DialFailure& failure, const storage::Now& now) {
    if (failure.nobody_there) link_.on(LinkEvent::nobody_there, instant_of(now), failure.why);
    if (!std::exchange(dialling_, false)) return;
    link_.on(LinkEvent::dial_failed, instant_of(now), failure.why);
}

// Frames are cut out of the bytes where they lie; only the beginning of one that is not complete is
// kept, so that a connection costs no more than the longest frame that it may send.
void Engine::on_bytes(ConnectionId id, std::string_view bytes, const storage::Now& now) {
    keeper_.wake(now);
    auto* connection = connections_.find(id);
    if (connection == nullptr || connection->phase >= Phase::closing) return;
    if (connection->phase == Phase::session) keeper_.heard(now);
    if (legacy_.on_bytes(*connection, bytes, now)) return;
    auto& input = connection->input;
    const bool gathered = !input.empty();
    if (gathered) input.append(bytes);
    auto rest = gathered ? input.readable() : bytes;
    while (connection->phase < Phase::closing) {
        const auto read = read_frame(rest, connection->handshake.payload_limit());
        if (read.status == FrameStatus::need_more) break;
        if (read.status == FrameStatus::malformed) {
            if (connection->phase == Phase::session) return keeper_.on_malformed(now);
            return connections_.dismiss(*connection, {"the bytes are no frame, or are damaged"},
                                        now);
        }
        if (connection->phase == Phase::session) {
            keeper_.on_frame(read.frame, now);
            if (const auto word = keeper_.take_word()) orders_.on_word(*word, instant_of(now));
        } else {
            connections_.on_frame(*connection, read.frame, now);
            if (connection->phase == Phase::complete) legacy_.give_way(peer_is_there, now);
        }
        rest.remove_prefix(read.size);
    }
    if (gathered) {
        input.consume(input.size() - rest.size());
    } else {
        input.append(rest);
    }
}

void Engine::on_sent(ConnectionId id, std::size_t count, const storage::Now& now) noexcept {
    keeper_.wake(now);
    auto* connection = connections_.find(id);
    if (connection == nullptr) return;
    assert(count <= connection->waiting);
    connection->waiting -= count;
    connection->moved = true;
}

bool Engine::listens(ConnectionId id, const storage::Now& now) noexcept {
    const auto* connection = connections_.find(id);
    const bool is_session = connection != nullptr && connection->phase == Phase::session;
    return !is_session || keeper_.session()->listens(instant_of(now));
}

// Whether the peer's process has ended is not known: who is told is the link machine.
void Engine::on_closed(ConnectionId id, std::string_view why, const storage::Now& now) {
    close(id, {SessionEnd::Ending::vanished, std::string(why)}, now);
}

// What speaks here is no peer as this node is set up (TLS where there is none, or the other way
// round): told as a refusal, since an operator has to mend it.
void Engine::on_mismatch(ConnectionId id, std::string_view why, const storage::Now& now) {
    auto* connection = connections_.find(id);
    if (connection == nullptr || !connection->is_candidate()) return on_closed(id, why, now);
    keeper_.wake(now);
    connections_.dismiss(*connection, {why, true}, now);
    connection->phase = Phase::closed;
}

// An orderly end without a BYE: the system closed what a process had held when it died.
void Engine::on_end_of_stream(ConnectionId id, std::string_view why, const storage::Now& now) {
    close(id, {SessionEnd::Ending::died, std::string(why)}, now);
}

void Engine::close(ConnectionId id, const SessionEnd& end, const storage::Now& now) {
    keeper_.wake(now);
    auto* connection = connections_.find(id);
    if (connection == nullptr) return;
    if (connection->phase == Phase::session) {
        keeper_.end(end, now);
    } else if (connection->phase == Phase::legacy) {
        legacy_.on_closed(*connection, end.why, now);
    } else if (connection->is_candidate()) {
        connections_.dismiss(*connection, {end.why}, now);
    }
    connection->phase = Phase::closed;
}

void Engine::on_timer(const storage::Now& now) {
    keeper_.wake(now);
    legacy_.on_timer(now);
    link_.on(LinkEvent::timer, instant_of(now), {});
    connections_.judge(now);
    keeper_.tell_of_overflow();
}

void Engine::on_wake(const storage::Now& now) noexcept {
    keeper_.wake(now);
}

// Everything of the link is let go, which gives memory back; what is in the store stays. The link
// begins again by its usual way, and a resync makes good what got lost on this one.
void Engine::on_no_memory(const storage::Now& now) noexcept {
    const auto instant = instant_of(now);
    ++no_memory_;
    keeper_.abandon(no_memory, now);
    legacy_.abandon();
    connections_.forget_all();
    dialling_ = false;
    // Each is for what had begun as far as the machine knows, and nothing to it otherwise.
    link_.on(LinkEvent::lost, instant, no_memory);
    link_.on(LinkEvent::dial_failed, instant, no_memory);
    link_.on(LinkEvent::handshakes_over, instant, no_memory);
    if (draining_) link_.on(LinkEvent::shutdown, instant, no_memory);
}

// Connections that are no session have nothing to hand over. A session ends when the peer has all,
// or at `drain_timeout` (drain()).
void Engine::begin_drain(const storage::Now& now) {
    if (draining_) return;
    const bool is_alone = !has_session() && !connections_.is_peer_there() && !legacy_.in_session();
    draining_ = Draining{instant_of(now) + options_.drain_timeout, is_alone};
    connections_.dismiss_all({"shutting down"}, nullptr, now);
    // The other node decides from here on, as soon as it has what this one has.
    arbitration_.give_up();
    link_.on(LinkEvent::shutdown, instant_of(now), "shutting down");
}

void Engine::set_on_split(OnSplit policy, const storage::Now& now) noexcept {
    keeper_.wake(now);
    link_.set_on_split(policy, instant_of(now));
}

void Engine::set_legacy(LegacyOptions options, const storage::Now& now) {
    legacy_.set(options, now);
}

void Engine::take(Order order, const storage::Now& now) {
    keeper_.wake(now);
    if (order == Order::resync && legacy_.ask_again(now)) return;
    const auto facts = facts_of(options_.has_peer, link_, keeper_, orders_);
    orders_.take(order, with_legacy(facts, legacy_), instant_of(now));
}

// --- what is to be done ------------------------------------------------------------------------

// What follows from the events since the last call, in an order that matters: who is the peer, what
// is sent to it, and only then whether that was all.
void Engine::drain(const storage::Now& now, std::vector<Action>& actions) {
    if (!draining_) connections_.choose(now);
    if (!draining_) legacy_.judge(now);
    const bool serves_alone = link_.serving() == Serving::ready && !has_session();
    if (serves_alone && incarnation_.needs_peers_word())
        connections_.begin_anew("the peer did not confirm them within boot-grace", now);
    keeper_.judge(now);
    note_progress(now);
    keeper_.produce(now);
    legacy_.produce(output_limit_bytes, now);
    while (const auto word = orders_.next_word(has_session(), instant_of(now)))
        keeper_.say(*word);
    if (draining_ && has_session()) {
        const bool is_time_up = instant_of(now) >= draining_->until;
        if (is_time_up || exchange_.drained()) keeper_.say_goodbye(now);
    }
    if (draining_) legacy_.say_goodbye_if_drained(instant_of(now) >= draining_->until, now);
    const bool is_over = draining_ && !has_session() && !legacy_.in_session() &&
                         first_in(Phase::closing, connections_) == nullptr;
    keeper_.tend(gate_, now);
    const bool owes_line = no_memory_told_ != no_memory_;
    if (owes_line && log_.note(LogLevel::error, {no_memory, ": it was given up, and begins again"}))
        no_memory_told_ = no_memory_;
    collect_orders(actions, instant_of(now));
    collect_output(connections_, actions);
    if (is_over && !std::exchange(draining_->told, true)) {
        actions.push_back({Action::Kind::drained});
    }
}

// While the nodes are in step there is nothing to ask.
void Engine::note_progress(const storage::Now& now) noexcept {
    const auto instant = instant_of(now);
    if (link_.state() == LinkState::linked) return progress_.note(0, instant);
    const auto* session = keeper_.session();
    if (session == nullptr) return progress_.pause(exchange_.dirty_buckets(), instant);
    progress_.note(session->left_to_compare(), instant);
    if (!progress_.is_line_due()) return;
    const auto left = progress_.remaining();
    (void)lib::has_memory_for([&] {
        log_.note(LogLevel::info,
                  {"resync: ", std::to_string(progress_.percent()), " % compared",
                   left ? ", about " + std::to_string(left->count()) + " s left" : std::string()});
    });
}

// Room is made before anything is taken: what finds none is there at the next call.
void Engine::collect_orders(std::vector<Action>& actions, Instant now) {
    constexpr std::size_t orders_but_lines = 4;
    actions.reserve(actions.size() + log_.size() + strangers_.log().size() + link_.lines_to_take() +
                    orders_but_lines);
    // At each turn there are orders to be asked for, but seldom a line to be told.
    const auto named = [this](std::string text) {
        return with_peer_named(std::move(text), peer_name(options_));
    };
    auto orders = link_.take_orders();
    const auto tell = [&](std::vector<LogLine> lines) {
        for (auto& line : lines) {
            if (!line_limits_.admits(line, now)) continue;
            (void)lib::has_memory_for([&] { line.text = named(line.text); });
            actions.push_back({Action::Kind::log, 0, {}, std::move(line)});
        }
    };
    tell(log_.take());
    tell(strangers_.log().take());
    tell(std::move(orders.lines));
    if (orders.hang_up && std::exchange(dialling_, false)) {
        actions.push_back({Action::Kind::hang_up});
    }
    if (orders.dial) {
        dialling_ = true;
        actions.push_back({Action::Kind::dial});
    }
    note_turn(std::move(orders.turn), now);
    if (orders.ready) actions.push_back({Action::Kind::ready});
    if (orders.access) {
        actions.push_back({Action::Kind::access, 0, {}, {}, *orders.access});
    }
}

// Of turns that follow each other too fast the last is told, as soon as one may be.
void Engine::note_turn(std::optional<RoleTurn> turn, Instant now) noexcept {
    if (turn) untold_turn_ = std::move(turn);
    if (!untold_turn_ || !turn_limit_.allows(static_cast<std::uint64_t>(now.count()))) return;
    (void)lib::has_memory_for([&] {
        role_change_ = change_of(*untold_turn_, options_.self.node, exchange_.stats().unacked);
        role_change_->why = with_peer_named(std::move(role_change_->why), peer_name(options_));
    });
    untold_turn_.reset();
}

std::optional<Instant> Engine::deadline(const storage::Now& now) const noexcept {
    std::optional<Instant> of_session;
    if (has_session()) of_session = keeper_.session()->deadline(instant_of(now));
    return earliest({link_.deadline(), connections_.deadline(), orders_.deadline(),
                     legacy_.deadline(), of_session});
}

LinkReport Engine::report(const storage::Now& now) const {
    LinkReport report;
    report.node = options_.self.node;
    report.state = link_.state();
    report.serving = link_.serving();
    report.role = link_.role();
    report.promotions = link_.promotions();
    report.sessions = link_.sessions();
    report.refused = link_.refusals();
    report.strangers = strangers_.count();
    report.no_memory = no_memory_;
    const auto peer = peer_name(options_);
    report.last_refusal = with_peer_named(link_.last_refusal(), peer);
    report.last_event = with_peer_named(link_.last_event(), peer);
    report.peer_software = keeper_.peer_software();
    report.access = link_.access();
    report.made_at = instant_of(now);
    report.order_facts = with_legacy(facts_of(options_.has_peer, link_, keeper_, orders_), legacy_);
    report.legacy = legacy_.report();
    if (legacy_.in_session()) report.peer_software = "repcached";
    report.progress = progress_;
    const auto& deciders = keeper_.deciders();
    report.arbitration = deciders.holding;
    report.decides = deciders.is_this;
    report.arbitration_since = deciders.since;
    report.executed = arbitration_.executed();
    report.unknown = arbitration_.unknown();
    report.since = link_.since();
    report.last_contact = keeper_.last_contact();
    report.peer_clock = keeper_.peer_clock();
    const auto wall_ms = wall_ms_of(now);
    if (store_ != nullptr) report.versions_ahead_ms = versions_ahead_ms(*store_, wall_ms);
    if (const auto* session = keeper_.session()) {
        report.peer_state = session->peer_state();
        report.clock_offset_ms =
            session->peer_clock() + static_cast<std::int64_t>(now.steady_ms) - wall_ms;
        report.round_trip_ms = session->round_trip_ms();
        report.protocol = keeper_.connection().handshake.protocol();
    }
    return report;
}

}  // namespace twincached::replication::pair
