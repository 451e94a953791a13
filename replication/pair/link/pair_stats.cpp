#include "replication/pair/link/pair_stats.hpp"

#include "replication/driver_figures.hpp"
#include "replication/pair/node_identity.hpp"
#include "storage/key.hpp"

#include <algorithm>
#include <chrono>
#include <string>

namespace twincached::replication::pair {

namespace {

// --- what is worked out --------------------------------------------------------------------------

bool has_peer(const PairReport& report) noexcept {
    return !report.peer.empty();
}

// STANDALONE = serving without a session.
std::string state(const PairReport& report) {
    return std::string(has_peer(report) ? name_of(report.link.state) : "STANDALONE");
}

// The word is the link machine's, the type the replicator's.
std::string access(const PairReport& report) {
    return std::string(name_of(report.link.access));
}

std::string node(const PairReport& report) {
    return std::string(node_name(report.link.node));
}

std::string peer_node(const PairReport& report) {
    const bool is_known = has_peer(report) && is_decided(report.link.node);
    return std::string(is_known ? node_name(other_node(report.link.node)) : "");
}

std::string ack_state(const PairReport& report) {
    if (report.gate == nullptr) return "async";
    return report.gate->is_in_sync() ? "sync" : "degraded";
}

template <auto part>
std::string of_link(const PairReport& report) {
    return lib::member<part>(report.link);
}

std::string seconds_since(Instant at, const PairReport& report) {
    const auto age = std::max(report.now - at, Instant(0));
    return std::to_string(std::chrono::duration_cast<std::chrono::seconds>(age).count());
}

template <auto value>
std::string age_of(const PairReport& report) {
    return seconds_since((report.link.since.*value).at(), report);
}

// What the peer said last; 0 without a session.
template <auto part>
std::string of_peer(const PairReport& report) {
    const auto& peer = report.link.peer_state;
    return std::to_string(peer ? (*peer).*part : 0);
}

Role role_of(std::uint8_t word) noexcept {
    return word == static_cast<std::uint8_t>(Role::primary) ? Role::primary : Role::secondary;
}

// What the gate has counted; 0 without one.
template <auto count>
std::string of_gate(const PairReport& report) {
    return std::to_string(report.gate == nullptr ? 0 : (report.gate->*count)());
}

// repcached counted what its queue still had room for in items: about 96 bytes each in our log.
std::string free_entries(const PairReport& report) {
    constexpr std::uint64_t bytes_per_entry = 96;
    const auto& stats = report.exchange;
    const auto free = stats.log_limit_bytes - std::min(stats.log_bytes, stats.log_limit_bytes);
    return std::to_string(free / bytes_per_entry);
}

// --- rows, in the order of the report, what matters most first -----------------------------------

constexpr lib::FigureRow<PairReport> link_rows[] = {
    {driver_figure, [](const PairReport&) -> std::string { return "pair"; }},
    {state_figure, state},
    {role_figure, of_link<&LinkReport::role>},
    {serving_figure, of_link<&LinkReport::serving>},
    {access_figure, access},
    {node_figure, node},
    {peer_figure, lib::member<&PairReport::peer>},
    {lib::text("repl_peer_node", "which of the two that is"), peer_node},
    {lib::text("repl_peer_version", "the program that it runs, once it has said so"),
     of_link<&LinkReport::peer_software>},
    {lib::gauge("repl_protocol",
                "the version of the link's protocol that both speak; 0 without a session"),
     of_link<&LinkReport::protocol>},
    {lib::text("repl_listen", "where this node awaits the other"),
     lib::member<&PairReport::listen>},
    {lib::state("repl_authentication", "secret|address",
                "what the peer is known by: `secret`, or its `address` alone"),
     [](const PairReport& report) -> std::string {
         return report.has_secret ? "secret" : "address";
     }},
    {tls_figure,
     [](const PairReport& report) -> std::string { return report.has_tls ? "yes" : "no"; }},
    {ack_state_figure, ack_state},
    {ack_degradations_figure, of_gate<&AckGate::degradations>},
    {acks_degraded_figure, of_gate<&AckGate::degraded_answers>},
    {acks_refused_figure, of_gate<&AckGate::refused_answers>},
    {lib::state("repl_arbitration", "off|conditional|all",
                "which changes one node decides for both just now (`arbitrate`): of two settings "
                "the weaker one, and `off` without a session"),
     [](const PairReport& report) -> std::string {
         return std::string(storage::name_of(report.link.arbitration));
     }},
    {lib::state("repl_decides", "yes|no", "`yes` if this node decides for both"),
     [](const PairReport& report) -> std::string { return report.link.decides ? "yes" : "no"; }},
    {lib::gauge("repl_arbitration_age", lib::Unit::seconds,
                "since when both of these have been so"),
     [](const PairReport& report) -> std::string {
         return seconds_since(report.link.arbitration_since, report);
     }},
    {lib::counter("repl_asked", "changes of this node's clients that the peer was to decide"),
     lib::member<&PairReport::asked>},
    {lib::counter("repl_asked_answered", "of those, the ones whose answer came in time"),
     lib::member<&PairReport::answered>},
    {lib::counter("repl_asked_wait_us", lib::Unit::microseconds,
                  "how long clients had waited for these answers, together"),
     lib::member<&PairReport::waited_us>},
    {lib::gauge("repl_asked_latency_us", lib::Unit::microseconds,
                "how long they wait for one of late: a moving mean of some sixteen"),
     lib::member<&PairReport::recent_wait_us>},
    {lib::counter("repl_asked_unknown",
                  "of those, the ones whose outcome nobody can tell: the link was lost, or "
                  "`arbitrate-timeout` was over"),
     of_link<&LinkReport::unknown>},
    {lib::counter("repl_not_asked", "changes that were refused because too many were under way"),
     lib::member<&PairReport::not_asked>},
    {lib::counter("repl_decided_for_peer", "changes of the peer's clients that this node decided"),
     of_link<&LinkReport::executed>},
    {lib::counter("repl_promotions", "times that this node became the primary"),
     of_link<&LinkReport::promotions>},
    {lib::counter("repl_sessions", "sessions held with the peer"), of_link<&LinkReport::sessions>},
    {lib::counter("repl_refused",
                  "connections that one of the two refused, for a reason that it said"),
     of_link<&LinkReport::refused>},
    {lib::counter("repl_strangers",
                  "calls to the link's port that came to nothing: strangers', and the peer's if "
                  "refused or given up"),
     of_link<&LinkReport::strangers>},
    {lib::counter("repl_no_memory",
                  "times that the link was given up because there was no memory for it"),
     of_link<&LinkReport::no_memory>},
    {last_refusal_figure, of_link<&LinkReport::last_refusal>},
    {last_event_figure, of_link<&LinkReport::last_event>},
    {resync_percent_figure,
     [](const PairReport& report) -> std::string {
         return std::to_string(report.link.progress.percent());
     }},
    {resync_remaining_figure,
     [](const PairReport& report) -> std::string {
         const auto left = report.link.progress.remaining();
         return std::to_string(left ? left->count() : -1);
     }},
    {state_age_figure, age_of<&LinkSinces::state>},
    {role_age_figure, age_of<&LinkSinces::role>},
    {serving_age_figure, age_of<&LinkSinces::serving>},
    {access_age_figure, age_of<&LinkSinces::access>},
    {last_contact_figure,
     [](const PairReport& report) -> std::string {
         const auto& at = report.link.last_contact;
         return at ? seconds_since(*at, report) : "-1";
     }},
    {peer_role_figure,
     [](const PairReport& report) -> std::string {
         const auto& peer = report.link.peer_state;
         if (!peer) return {};
         return std::string(name_of(role_of(peer->role)));
     }},
    {peer_serving_figure,
     [](const PairReport& report) -> std::string {
         const auto& peer = report.link.peer_state;
         if (!peer) return {};
         return std::string(name_of(peer->serving ? Serving::ready : Serving::cold));
     }},
    {lib::gauge("repl_peer_unacked",
                "the peer's changes that this node has not confirmed, as it "
                "last said; 0 without a session"),
     of_peer<&NodeState::log_entries>},
    {peer_dirty_figure, of_peer<&NodeState::dirty_buckets>},
    {lib::gauge("repl_clock_offset_ms", lib::Unit::milliseconds,
                "the peer's wall clock against ours"),
     of_link<&LinkReport::clock_offset_ms>},
    {lib::gauge("repl_hlc_ahead_ms", lib::Unit::milliseconds, "versions against our wall clock"),
     of_link<&LinkReport::versions_ahead_ms>},
    {lib::gauge("repl_rtt_ms", lib::Unit::milliseconds, "a round trip on the link"),
     of_link<&LinkReport::round_trip_ms>},
};

template <auto count>
std::string of_legacy(const PairReport& report) {
    return std::to_string(report.link.legacy.stats.*count);
}

constexpr lib::FigureRow<PairReport> legacy_rows[] = {
    {lib::state("repl_legacy", "off|waiting|filling|linked",
                "the link to a repcached (`legacy`): `off`, `waiting` for it, `filling` one of the "
                "two, or `linked`"),
     [](const PairReport& report) -> std::string {
         return std::string(name_of(report.link.legacy.state));
     }},
    {lib::state("repl_legacy_apply", "yes|no",
                "`yes` if what the repcached says is taken over (`apply`), or `no`"),
     [](const PairReport& report) -> std::string {
         return report.link.legacy.applies ? "yes" : "no";
     }},
    {lib::counter("repl_legacy_dumps_received", "dumps that came to their end"),
     of_legacy<&LegacyStats::dumps_received>},
    {lib::counter("repl_legacy_dumps_sent", "dumps that were sent to their end"),
     of_legacy<&LegacyStats::dumps_sent>},
    {lib::counter("repl_legacy_received", "its changes and items that were taken over"),
     of_legacy<&LegacyStats::received>},
    {lib::counter("repl_legacy_passed_over",
                  "of what it said, what came while `apply` was `no`, or was changed here since"),
     of_legacy<&LegacyStats::passed_over>},
    {lib::counter("repl_legacy_dropped", "items that its dump lacked, and that were dropped"),
     of_legacy<&LegacyStats::dropped>},
    {lib::counter("repl_legacy_sent", "changes and items that it was told"),
     of_legacy<&LegacyStats::sent>},
    {lib::counter("repl_legacy_unsendable",
                  "of what it lacks, keys with blanks or control characters, which its wire cannot "
                  "carry"),
     of_legacy<&LegacyStats::unsendable>},
    {lib::counter("repl_legacy_sent_as_removals",
                  "items that were deleted there, as they are stale or do not fit into 1 MiB"),
     of_legacy<&LegacyStats::sent_as_removals>},
};

// For dashboards that know no others.
constexpr lib::FigureRow<PairReport> ancestors_rows[] = {
    {lib::text("replication", "always `MASTER`, as repcached called both of its nodes"),
     [](const PairReport&) -> std::string { return "MASTER"; }},
    {lib::text("repcached_version", "of this program"), lib::member<&PairReport::software_version>},
    {lib::gauge("repcached_qi_free", "changes for which the log still has room, reckoned"),
     free_entries},
};

}  // namespace

// Of a dirty bucket nobody knows how many changes it stands for.
std::string left_behind(const PairReport& report, std::uint64_t items) {
    constexpr std::uint64_t all_buckets = storage::bucket_count;
    const auto& exchange = report.exchange;
    const auto uncompared = exchange.dirty_buckets + exchange.walking_buckets;
    const bool has_uncompared = uncompared > 0 && items > 0;
    if (exchange.unacked == 0 && !has_uncompared) return {};
    auto line = "stopping with what " + report.peer + " has not confirmed: ";
    if (exchange.unacked > 0) line += std::to_string(exchange.unacked) + " changes";
    if (has_uncompared) {
        if (exchange.unacked > 0) line += " and ";
        line += "what " + std::to_string(std::min(uncompared, all_buckets)) + " of " +
                std::to_string(all_buckets) + " buckets hold";
    }
    return line + "; lost, unless memory-file brings it back";
}

void visit_stats(const PairReport& report, lib::FigureVisitor visit) {
    lib::visit_figures(link_rows, report, visit);
    lib::visit_figures(exchange_rows, report.exchange, visit);
    lib::visit_figures(legacy_rows, report, visit);
    lib::visit_figures(ancestors_rows, report, visit);
}

}  // namespace twincached::replication::pair
