#include "app/endpoint/standing.hpp"

#include "lib/numbers.hpp"
#include "replication/driver_figures.hpp"
#include "storage/key.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace twincached::app {
namespace {

bool is_linked(const Standing& standing) noexcept {
    return standing.state == "LINKED";
}

bool is_alone(const Standing& standing) noexcept {
    return standing.state == "STANDALONE";
}

// One of a cluster, whose nodes are all alike.
bool has_no_roles(const Standing& standing) noexcept {
    return standing.role.empty() && !standing.peer.empty();
}

Verdict no(std::string why) {
    return {false, std::move(why)};
}

std::string refusal_text(const Standing& standing) {
    if (standing.last_refusal.empty()) return standing.peer + " is refused, or refuses this node";
    return fmt::format("not paired with {}: {}", standing.peer, standing.last_refusal);
}

}  // namespace

// A peer's words may hold anything; a header or a terminal must not.
std::string printable(std::string_view text) {
    std::string plain(text);
    std::replace_if(
        plain.begin(), plain.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
    return plain;
}

// Out of the same figures that `stats replication` shows, so that the two never disagree.
void Standing::take(const lib::Figure& figure, std::string_view value) {
    namespace known = replication;
    const auto text = [&](const lib::Figure& wanted, std::string& to) {
        if (figure.name == wanted.name) to = printable(value);
    };
    const auto number = [&](const lib::Figure& wanted, std::uint64_t& to) {
        if (figure.name == wanted.name) to = lib::parse_number<std::uint64_t>(value).value_or(0);
    };
    text(known::state_figure, state);
    text(known::role_figure, role);
    text(known::access_figure, access);
    text(known::node_figure, node);
    text(known::peer_figure, peer);
    text(known::last_refusal_figure, last_refusal);
    text(known::peer_role_figure, peer_role);
    text(known::peer_serving_figure, peer_serving);
    number(known::state_age_figure, state_seconds);
    number(known::role_age_figure, role_seconds);
    number(known::access_age_figure, access_seconds);
    if (figure.name == known::last_contact_figure.name)
        contact_seconds = lib::parse_number<std::uint64_t>(value);
    number(known::lag_figure, lag_ms);
    number(known::unacked_figure, unacked);
    number(known::dirty_buckets_figure, dirty_buckets);
    number(known::resync_percent_figure, resync_percent);
    if (figure.name == known::resync_remaining_figure.name)
        resync_seconds = lib::parse_number<std::uint64_t>(value);
}

// 0 only if nothing is left: what rounds to it is 1.
unsigned percent_left(std::uint64_t dirty_buckets) noexcept {
    const auto percent = std::min<std::uint64_t>(100, dirty_buckets * 100 / storage::bucket_count);
    return dirty_buckets > 0 && percent == 0 ? 1U : static_cast<unsigned>(percent);
}

unsigned resync_percent_left(const Standing& standing) noexcept {
    const auto done = std::min<std::uint64_t>(99, standing.resync_percent);
    return static_cast<unsigned>(100 - done);
}

// Present tense, and with the peer's name: these words stand behind a comma or a semicolon.
std::string link_text(const Standing& standing) {
    const auto& state = standing.state;
    const auto& peer = standing.peer;
    if (is_alone(standing)) return "alone, no peer is configured";
    if (state == "LISTENING") return fmt::format("waiting for {}", peer);
    if (state == "CONNECTING") return fmt::format("connecting to {}", peer);
    if (state == "HANDSHAKE") return fmt::format("shaking hands with {}", peer);
    if (state == "SYNCING") {
        auto text = fmt::format("synchronising with {}, {} % left to compare", peer,
                                resync_percent_left(standing));
        if (standing.resync_seconds.value_or(0) > 0)
            text += fmt::format(", about {} s left", *standing.resync_seconds);
        return text;
    }
    if (is_linked(standing)) {
        return fmt::format("in step with {}, {} ms behind", peer, standing.lag_ms);
    }
    if (state == "REFUSED") return refusal_text(standing);
    if (state == "DRAINING") return fmt::format("telling {} the last changes", peer);
    return state;
}

// What an operator did is stronger than what the link did.
std::string_view phase_of(const Standing& standing) noexcept {
    if (standing.is_stopping) return "stopping";
    if (standing.is_drained) return "drained";
    if (!standing.open_for) return "cold";
    if (standing.access == "closed") return "closed";
    return standing.access == "read-only" ? "read-only" : "open";
}

// The younger of the two that a phase depends on: since when the process is as it is, and since
// when the policy of a split lets clients in, or does not.
std::chrono::seconds phase_age(const Standing& standing) noexcept {
    const auto phase = phase_of(standing);
    const std::chrono::seconds access(standing.access_seconds);
    if (phase == standing.access && phase != "open") return access;
    const bool was_shut = phase == "open" && standing.access == "open";
    return was_shut ? std::min(access, standing.process_unchanged_for)
                    : standing.process_unchanged_for;
}

// For systemd, which is told only what has changed: a lag that changes every second is left out.
std::string service_status(const Standing& standing) {
    auto still = standing;
    still.lag_ms = 0;
    auto text = readiness(still).why;
    constexpr std::string_view lag = ", 0 ms behind";
    if (text.ends_with(lag)) text.resize(text.size() - lag.size());
    return standing.role.empty() ? text : fmt::format("{}; {}", standing.role, text);
}

// A node that is read only is ready: what it holds is good, and writes are told why they fail.
Verdict readiness(const Standing& standing) {
    const auto link = link_text(standing);
    if (standing.is_stopping) return no("stopping; " + link);
    if (standing.is_drained) return no("drained by an operator; " + link);
    if (!standing.open_for) return no("not open to clients yet; " + link);
    if (standing.access == "closed")
        return no("closed to clients until the other node is seen again (on-split); " + link);
    if (standing.access == "read-only")
        return {true,
                "ready for reads alone until the other node is seen again (on-split); " + link};
    return {true, "ready; " + link};
}

Verdict primacy(const Standing& standing) {
    auto ready = readiness(standing);
    if (!ready.holds) return ready;
    if (standing.role == "secondary") return no("the secondary; " + link_text(standing));
    if (has_no_roles(standing))
        return {true, "as good as any, for a cluster has no primary; " + link_text(standing)};
    return {true, "the primary; " + link_text(standing)};
}

Verdict secondariness(const Standing& standing) {
    auto ready = readiness(standing);
    if (!ready.holds) return ready;
    if (standing.role == "secondary") return {true, "the secondary; " + link_text(standing)};
    if (has_no_roles(standing)) return no("a cluster has no secondary; " + link_text(standing));
    return no("the primary; " + link_text(standing));
}

Verdict synchrony(const Standing& standing, std::optional<std::chrono::milliseconds> most_lag) {
    auto ready = readiness(standing);
    if (!ready.holds) return ready;
    const auto link = link_text(standing);
    if (!is_linked(standing)) return no("not synchronised; " + link);
    const std::chrono::milliseconds lag(standing.lag_ms);
    if (most_lag && lag > *most_lag)
        return no(fmt::format("behind by {} ms, more than {} ms", lag.count(), most_lag->count()));
    return {true, "synchronised; " + link};
}

}  // namespace twincached::app
