#include "replication/pair/link/legacy_service.hpp"

#include "replication/pair/node_identity.hpp"

#include <string>
#include <utility>

namespace twincached::replication::pair {
namespace {

// Nobody has said a word on it.
bool is_silent(const Connection& connection) noexcept {
    return connection.phase == Phase::handshake && connection.input.empty() &&
           !connection.handshake.is_introduced();
}

// All that was written for it.
bool has_left(const Connection& connection) noexcept {
    return connection.waiting == 0 && connection.output.empty();
}

// The first that has the peer's address at its other end; null: there is none.
Connection* silent_on(Side side, const Connections& connections) noexcept {
    return connections.find_first([side](const Connection& one) {
        return is_silent(one) && one.is_from_peer && one.handshake.side() == side;
    });
}

}  // namespace

void LegacyService::set(LegacyOptions options, const storage::Now& now) {
    const auto before = std::exchange(options_, options);
    if (!in_session()) return;
    if (!options.is_on) return give_way("legacy was set to no", now);
    if (before.applies == options.applies) return;
    owes_a_call_ = options.applies;
    if (options.applies) return parts_.link.step_back(instant_of(now), "apply was set to yes");
    parts_.link.take_over(instant_of(now), "apply was set to no");
}

// What the repcached said meanwhile was passed over, and from now on it counts: also against what
// was changed here before, once that has left.
void LegacyService::call_anew_if_drained(const Connection& connection, const storage::Now& now) {
    if (!owes_a_call_ || !has_left(connection) || !legacy_.is_drained()) return;
    owes_a_call_ = false;
    legacy_.settle_all();
    give_way("apply was set to yes: the repcached is called anew, for all that it holds", now);
}

// --- which connection ----------------------------------------------------------------------------

void LegacyService::on_connected(Connection& connection, const storage::Now& now) const noexcept {
    connection.is_from_peer = true;
    if (options_.is_on) connection.deadline = instant_of(now) + patience;
}

// Where the two of the pair are in a session, or about to begin one, nobody at that address is an
// old node.
bool LegacyService::may_begin() const noexcept {
    return options_.is_on && is_decided(parts_.self.node) && !parts_.exchange.in_session() &&
           !parts_.connections.is_peer_there();
}

bool LegacyService::on_bytes(Connection& connection, std::string_view bytes,
                             const storage::Now& now) {
    if (connection.phase != Phase::legacy) {
        if (!is_silent(connection) || !connection.is_from_peer || bytes.empty()) return false;
        if (!begins_legacy(bytes.front()) || !may_begin()) return false;
        begin(connection, now);
    }
    const auto why = legacy_.on_bytes(connection.input, bytes, options_.applies, now);
    if (!why.empty()) end(connection, why, LinkEvent::lost, now);
    return true;
}

// What this node has said of itself so far is a line of garbage over there, which is ended first.
void LegacyService::begin(Connection& connection, const storage::Now& now) {
    give_way("another connection of an old node was taken", now);
    const bool it_called = !connection.is_dialled();
    connection.phase = Phase::legacy;
    connection.input.clear();
    // What came back by a warm restart no old node can confirm.
    if (parts_.exchange.acquaintance().needs_peers_word())
        parts_.connections.begin_anew("a repcached cannot confirm them", now);
    parts_.exchange.acquaintance().leave_peer();
    owes_a_call_ = false;
    legacy_.begin(other_node(parts_.self.node), it_called, now);
    if (!it_called) connection.output.append("\r\n");
    is_caught_up_ = false;
    parts_.link.agree_on(options_.applies ? Role::secondary : Role::primary);
    parts_.link.on(LinkEvent::established, instant_of(now),
                   it_called ? "a repcached called, and gets all that is here"
                             : "the peer is a repcached, and tells all that it holds");
}

// --- its end -------------------------------------------------------------------------------------

void LegacyService::end(Connection& connection, std::string_view why, LinkEvent how,
                        const storage::Now& now) {
    legacy_.end();
    connection.part(Parting::at_once, instant_of(now));
    parts_.link.on(how, instant_of(now), why);
}

void LegacyService::on_closed(Connection& connection, std::string_view why,
                              const storage::Now& now) {
    end(connection, why, LinkEvent::vanished, now);
}

void LegacyService::give_way(std::string_view why, const storage::Now& now) {
    auto* connection = first_in(Phase::legacy, parts_.connections);
    if (connection != nullptr) end(*connection, why, LinkEvent::vanished, now);
}

// An old node listens again as soon as it has lost its link.
bool LegacyService::ask_again(const storage::Now& now) {
    if (!in_session()) return false;
    give_way("by an operator's word the repcached is called anew, for all that it holds", now);
    return true;
}

// --- what follows --------------------------------------------------------------------------------

void LegacyService::on_timer(const storage::Now& now) noexcept {
    legacy_.on_timer(now);
    const bool is_patient = options_.is_on && instant_of(now) < started_ + patience;
    if (is_patient && silent_on(Side::dialler, parts_.connections) != nullptr)
        parts_.link.on(LinkEvent::awaited, instant_of(now), {});
}

void LegacyService::judge(const storage::Now& now) {
    if (auto* silent = silent_on(Side::acceptor, parts_.connections); silent && may_begin()) {
        if (instant_of(now) >= silent->opened + silence_before_dump) begin(*silent, now);
    }
    if (const auto* connection = first_in(Phase::legacy, parts_.connections))
        call_anew_if_drained(*connection, now);
    if (!in_session() || !legacy_.is_caught_up()) return;
    std::string why;
    if (!std::exchange(is_caught_up_, true)) {
        const auto& stats = legacy_.stats();
        why = "in step with the repcached: " + std::to_string(stats.received) +
              " changes and items received, " + std::to_string(stats.sent) + " sent";
    }
    parts_.link.on(LinkEvent::caught_up, instant_of(now), why);
}

void LegacyService::produce(std::size_t output_limit, const storage::Now& now) {
    auto* connection = first_in(Phase::legacy, parts_.connections);
    if (connection == nullptr) return;
    const auto used = connection->waiting + connection->output.size();
    if (used < output_limit) legacy_.produce(connection->output, output_limit - used, now);
}

void LegacyService::say_goodbye_if_drained(bool is_time_up, const storage::Now& now) {
    auto* connection = first_in(Phase::legacy, parts_.connections);
    if (connection == nullptr) return;
    if (!is_time_up && !(has_left(*connection) && legacy_.is_drained())) return;
    if (!is_time_up) legacy_.settle_all();
    end(*connection, "shutting down", LinkEvent::farewell, now);
}

std::optional<Instant> LegacyService::deadline() const noexcept {
    auto first = legacy_.deadline();
    if (!may_begin()) return first;
    if (const auto* silent = silent_on(Side::acceptor, parts_.connections))
        first = earliest({first, silent->opened + silence_before_dump});
    return first;
}

LegacyReport LegacyService::report() const noexcept {
    auto state = options_.is_on ? LegacyState::waiting : LegacyState::off;
    if (in_session()) state = legacy_.is_caught_up() ? LegacyState::linked : LegacyState::filling;
    return {state, options_.applies, legacy_.stats()};
}

}  // namespace twincached::replication::pair
