#include "replication/pair/link/peer_session.hpp"

#include "replication/pair/link/handshake.hpp"

#include <algorithm>
#include <utility>

namespace twincached::replication::pair {

namespace {

// produce() and may_rest() may disagree for a moment while clients write; the next event is never
// further away than a tick.
constexpr int rest_attempts = 4;

std::string quoted(std::string_view text) {
    return "it says \"" + printable(text) + '"';
}

// Words of this node for what the peer says by a number: in its own, "this node" is another.
std::string why_of(const Bye& bye) {
    switch (bye.reason) {
        case ByeReason::unheard:
            return "the peer hears nothing of this node and ended the session";
        case ByeReason::replaced:
            return "the peer begins anew, empty";
        case ByeReason::crossed:
            return "the peer took another connection of the two";
        case ByeReason::shutdown:
            break;
    }
    return "the peer ended the session: " + quoted(bye.text);
}

SessionEnd broken(std::string why) {
    return {SessionEnd::Ending::broken, std::move(why)};
}

}  // namespace

PeerSession::PeerSession(Parts parts, std::uint64_t number, const Hello& peer,
                         const storage::Now& now) noexcept
    : parts_(parts),
      number_(number),
      peer_clock_(wall_ms_of(peer) - static_cast<std::int64_t>(now.steady_ms)),
      tells_wall_(peer.wall_ms.has_value()),
      understands_orders_((peer.capabilities & capability_orders) != 0),
      heartbeat_(parts.timing, instant_of(now)) {}

// What it gives is why the session ends; nothing: it goes on. A frame whose type is not known ends
// it, unless its flag says that it may be passed over.
std::optional<SessionEnd> PeerSession::on_frame(const Frame& frame, const storage::Now& now) {
    const bool is_of_exchange = is_owned_by(FrameOwner::exchange, frame.type);
    const bool is_of_arbiter =
        is_owned_by(FrameOwner::arbiter, frame.type) && parts_.arbitration.is_known_to_peer();
    if (is_of_exchange || is_of_arbiter) return on_exchange_frame(frame, now);
    if (frame.type == FrameType::ping) return on_ping(frame, now);
    if (frame.type == FrameType::pong) {
        const auto pong = read_pong(frame.payload);
        if (!pong) return broken("a PONG that makes no sense");
        round_trip_ms_ = static_cast<std::int64_t>(now.steady_ms - pong->echo_ms - pong->held_ms);
        heartbeat_.answered(Instant(pong->echo_ms));
        return std::nullopt;
    }
    if (frame.type == FrameType::state) return on_state(frame);
    if (frame.type == FrameType::order) {
        const auto order = read_order(frame.payload);
        if (!order) return broken("an ORDER that makes no sense");
        heard_word_ = order->word;
        return std::nullopt;
    }
    if (frame.type == FrameType::bye) {
        const auto bye = read_bye(frame.payload);
        const bool leaves = bye && bye->reason == ByeReason::shutdown;
        if (leaves) return SessionEnd{SessionEnd::Ending::farewell, "the peer shuts down (clean)"};
        return broken(bye ? why_of(*bye)
                          : "the peer ended the session with a BYE that makes no sense");
    }
    if (frame.type == FrameType::error) {
        const auto error = read_error(frame.payload);
        return broken("the peer finds that this node broke the protocol: " +
                      (error ? quoted(error->text) : std::string("no reason given")));
    }
    if (frame.is_ignorable() && find_frame(frame.type) == nullptr) return std::nullopt;
    return SessionEnd{SessionEnd::Ending::refused,
                      "the peer sent a frame that this version does not know (type " +
                          std::to_string(static_cast<unsigned>(frame.type)) + ")"};
}

// A word of a later version is none.
std::optional<SessionEnd> PeerSession::on_exchange_frame(const Frame& frame,
                                                         const storage::Now& now) {
    const bool has_waited = heartbeat_.hears_what_waited();
    const bool is_taken = is_owned_by(FrameOwner::arbiter, frame.type)
                              ? parts_.arbitration.on_frame(frame, now, has_waited)
                              : parts_.exchange.on_frame(frame, now);
    if (is_taken) return std::nullopt;
    if (parts_.exchange.refused_version()) {
        return SessionEnd{SessionEnd::Ending::refused,
                          "the peer sent a version that is further ahead than clock-max-ahead"};
    }
    return broken("the peer sent a frame that breaks the protocol (type " +
                  std::to_string(static_cast<unsigned>(frame.type)) + ")");
}

std::optional<SessionEnd> PeerSession::on_state(const Frame& frame) {
    const auto state = read_state(frame.payload);
    if (!state) return broken("a STATE that makes no sense");
    peer_state_ = *state;
    peer_told_ = true;
    if (state->dirty_buckets > 0) parts_.exchange.distrust_peer();
    const auto& told = state->arbitration;
    if (!told || !parts_.arbitration.is_known_to_peer()) return std::nullopt;
    if (parts_.arbitration.told(told->mode, told->term)) return std::nullopt;
    return broken("a STATE by which the peer passes what is not its own");
}

std::optional<OrderWord> PeerSession::take_word() noexcept {
    const auto word = std::exchange(heard_word_, std::nullopt);
    const bool is_known = word >= OrderWord::hand_over && word <= OrderWord::compare;
    // A role that was handed over to a node that stood still is the other one's again.
    const bool is_over = word == OrderWord::hand_over && heartbeat_.hears_what_waited();
    return is_known && !is_over ? word : std::nullopt;
}

// One PONG is owed at most, for the latest PING: who sends them faster than it reads gets no more
// out of this node by it.
std::optional<SessionEnd> PeerSession::on_ping(const Frame& frame, const storage::Now& now) {
    const auto ping = read_ping(frame.payload);
    if (!ping) return broken("a PING that makes no sense");
    heartbeat_.peer_says_unheard(Timing::ms(ping->receive_age_ms), instant_of(now));
    if (ping->wall_ms) {
        const auto wall_ms = std::clamp(*ping->wall_ms, -last_wall_ms, last_wall_ms);
        peer_clock_ = wall_ms - static_cast<std::int64_t>(now.steady_ms);
    }
    owed_pong_ = {ping->steady_ms, now.steady_ms};
    return std::nullopt;
}

void PeerSession::write_pong(lib::ByteBuffer& out, const storage::Now& now) {
    if (!owed_pong_) return;
    const auto held_ms = now.steady_ms - std::min(owed_pong_->since_ms, now.steady_ms);
    write_frame(out, Pong{owed_pong_->echo_ms, static_cast<std::uint32_t>(held_ms)});
    owed_pong_.reset();
}

// Heartbeats go before data: within one turn of at most `output.room` bytes a full log must not let
// the peer take this node for silent.
void PeerSession::produce(lib::ByteBuffer& out, const LinkMachine& link, const Output& output,
                          const storage::Now& now) {
    const auto instant = instant_of(now);
    heartbeat_.output(output.waiting > 0, output.moved, instant);
    if (output.room == 0) return;
    write_pong(out, now);
    const bool beat = heartbeat_.take_ping(instant);
    if (beat) write_ping(out, now);
    // Before any acknowledgement of what may have been refused because of it.
    const bool falls_behind = own_state_.dirty_buckets == 0 && parts_.exchange.dirty_buckets() > 0;
    if (state_sent_ && falls_behind) write_state(out, link, false);
    const auto before = out.size();
    write_data(out, output.room, now);
    const auto written = out.size() - before;
    if (written < output.room) parts_.arbitration.produce(out, output.room - written, now);
    write_state(out, link, beat);
}

void PeerSession::write_ping(lib::ByteBuffer& out, const storage::Now& now) {
    parts_.exchange.measure_lag(now);
    const auto stats = parts_.exchange.stats();
    Ping ping;
    ping.steady_ms = now.steady_ms;
    ping.version_time = parts_.store.version_time();
    ping.receive_age_ms = static_cast<std::uint32_t>(heartbeat_.unheard(instant_of(now)).count());
    ping.log_entries = stats.unacked;
    ping.dirty_buckets = static_cast<std::uint32_t>(stats.dirty_buckets);
    if (tells_wall_) ping.wall_ms = wall_ms_of(now);
    write_frame(out, ping);
}

// With every heartbeat, and at once where the other node waits for it. It follows the data that
// it speaks of.
void PeerSession::write_state(lib::ByteBuffer& out, const LinkMachine& link, bool beat) {
    const auto stats = parts_.exchange.stats();
    NodeState state;
    state.serving = link.serving() == Serving::ready;
    state.role = static_cast<std::uint8_t>(link.role());
    state.caught_up = parts_.exchange.caught_up(Exchange::entries_in_passing);
    state.dirty_buckets = static_cast<std::uint32_t>(stats.dirty_buckets);
    state.walking_buckets = static_cast<std::uint32_t>(stats.walking_buckets);
    state.log_entries = stats.unacked;
    const auto& arbitration = parts_.arbitration;
    if (arbitration.is_known_to_peer())
        state.arbitration = {static_cast<std::uint8_t>(arbitration.mode()), arbitration.term()};
    const bool news = (state.caught_up && !own_state_.caught_up) ||
                      state.serving != own_state_.serving || state.role != own_state_.role ||
                      (state.dirty_buckets > 0) != (own_state_.dirty_buckets > 0) ||
                      state.arbitration != own_state_.arbitration;
    if (state_sent_ && !beat && !news) return;
    own_state_ = state;
    state_sent_ = true;
    write_frame(out, state);
}

// A change that comes in while the last bytes are written would have woken nobody yet; so it is
// looked for again before this side may rest, a few times, since other connections wait.
void PeerSession::write_data(lib::ByteBuffer& out, std::size_t room, const storage::Now& now) {
    std::size_t written = 0;
    for (int attempt = 0; attempt < rest_attempts && written < room; ++attempt) {
        std::size_t added = 0;
        do {
            added = parts_.exchange.produce(out, room - written, now);
            written += added;
        } while (added > 0 && written < room);
        if (written < room && parts_.exchange.may_rest()) return;
    }
}

bool PeerSession::caught_up() const noexcept {
    return peer_state_.caught_up && parts_.exchange.caught_up(Exchange::entries_in_passing);
}

// In buckets, of both nodes: each walks its own.
std::uint64_t PeerSession::left_to_compare() const noexcept {
    const auto stats = parts_.exchange.stats();
    return stats.dirty_buckets + stats.walking_buckets + peer_state_.dirty_buckets +
           peer_state_.walking_buckets;
}

std::string_view PeerSession::behind() const noexcept {
    const auto stats = parts_.exchange.stats();
    if (stats.dirty_buckets + stats.walking_buckets > 0) {
        return "this node's buckets are walked: its change log was full, or a resync was ordered";
    }
    if (peer_state_.dirty_buckets + peer_state_.walking_buckets > 0) {
        return "the peer's buckets are walked: its change log was full, or a resync was ordered";
    }
    return {};
}

}  // namespace twincached::replication::pair
