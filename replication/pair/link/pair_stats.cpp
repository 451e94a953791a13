#include "replication/pair/link/pair_stats.hpp"

#include "replication/pair/link/node_identity.hpp"

#include <algorithm>
#include <string>

namespace twincached::replication::pair {

namespace {

using Visit = lib::FunctionRef<void(std::string_view key, std::string_view value)>;

template <class Number>
void number(Visit visit, std::string_view key, Number value) {
    visit(key, std::to_string(value));
}

std::string hexadecimal(std::uint64_t number) {
    std::string text(16, '0');
    for (auto digit = text.rbegin(); number != 0; ++digit, number >>= 4)
        *digit = "0123456789abcdef"[number & 15U];
    return text;
}

// STANDALONE = serving without a session.
std::string_view state_of(const LinkReport& link, bool has_peer) {
    return has_peer ? name_of(link.state) : "STANDALONE";
}

void visit_gate(const AckGate* gate, Visit visit) {
    const auto state = gate == nullptr ? "async" : gate->is_in_sync() ? "sync" : "degraded";
    visit("repl_ack_state", state);
    number(visit, "repl_ack_degradations", gate == nullptr ? 0 : gate->degradations());
    number(visit, "repl_acks_degraded", gate == nullptr ? 0 : gate->degraded_answers());
    number(visit, "repl_acks_refused", gate == nullptr ? 0 : gate->refused_answers());
}

void visit_link(const PairReport& report, Visit visit) {
    const auto& link = report.link;
    const bool has_peer = !report.peer.empty();
    visit("repl_driver", "pair");
    visit("repl_state", state_of(link, has_peer));
    visit("repl_role", name_of(link.role));
    visit("repl_serving", name_of(link.serving));
    visit("repl_access", name_of(link.access));
    visit("repl_node", node_name(report.node));
    visit("repl_peer", report.peer);
    visit("repl_peer_node", has_peer ? node_name(1 - report.node) : "");
    visit("repl_peer_version", link.peer_software);
    number(visit, "repl_protocol", link.protocol);
    visit("repl_listen", report.listen);
    visit("repl_authentication", report.has_secret ? "secret" : "address");
    visit("repl_tls", report.has_tls ? "yes" : "no");
    visit_gate(report.gate, visit);
    number(visit, "repl_promotions", link.promotions);
    number(visit, "repl_sessions", link.sessions);
    number(visit, "repl_refused", link.refused);
    number(visit, "repl_strangers", link.strangers);
    visit("repl_last_refusal", link.last_refusal);
    visit("repl_last_event", link.last_event);
    number(visit, "repl_clock_offset_ms", link.clock_offset_ms);
    number(visit, "repl_hlc_ahead_ms", link.versions_ahead_ms);
    number(visit, "repl_rtt_ms", link.round_trip_ms);
}

void visit_exchange(const ExchangeStats& stats, Visit visit) {
    number(visit, "repl_lag_ms", stats.lag_ms);
    number(visit, "repl_unacked", stats.unacked);
    number(visit, "repl_log_bytes", stats.log_bytes);
    number(visit, "repl_log_limit_bytes", stats.log_limit_bytes);
    number(visit, "repl_log_overflows", stats.log_overflows);
    number(visit, "repl_dirty_buckets", stats.dirty_buckets);
    number(visit, "repl_walking", stats.walking_buckets);
    number(visit, "repl_resyncs", stats.resyncs);
    number(visit, "repl_records_sent", stats.records_sent);
    number(visit, "repl_records_received", stats.records_received);
    number(visit, "repl_bytes_sent", stats.bytes_sent);
    number(visit, "repl_bytes_received", stats.bytes_received);
    number(visit, "repl_lists_sent", stats.lists_sent);
    number(visit, "repl_lists_received", stats.lists_received);
    number(visit, "repl_digests_sent", stats.digests_sent);
    number(visit, "repl_digests_denied", stats.digests_denied);
    visit("repl_digest", hexadecimal(stats.digest));
    number(visit, "repl_wanted_by_us", stats.wanted_by_us);
    number(visit, "repl_wanted_by_peer", stats.wanted_by_peer);
    number(visit, "repl_dropped_in_doubt", stats.dropped_in_doubt);
    number(visit, "repl_conflicts", stats.conflicts);
    number(visit, "repl_stale_rejected", stats.stale_rejected);
    number(visit, "repl_evicted_before_send", stats.evicted_before_send);
    number(visit, "repl_apply_nomem", stats.apply_nomem);
    number(visit, "repl_peer_nomem", stats.peer_nomem);
    number(visit, "repl_scrub_rounds", stats.scrub_rounds);
    number(visit, "repl_scrub_told", stats.scrub_told);
    number(visit, "repl_scrub_compared", stats.scrub_compared);
    number(visit, "repl_scrub_differing", stats.scrub_differing);
    number(visit, "repl_scrub_one_sided", stats.scrub_one_sided);
    number(visit, "repl_scrub_defects", stats.scrub_defects);
    number(visit, "repl_bumps_sent", stats.bumps_sent);
    number(visit, "repl_bumps_received", stats.bumps_received);
    number(visit, "repl_bumps_dropped", stats.bumps_dropped);
}

// repcached's own keys, for dashboards that know no others. It called both nodes MASTER, and
// counted what its queue still had room for in items: about 96 bytes each in our log.
void visit_ancestors_keys(const PairReport& report, Visit visit) {
    constexpr std::uint64_t bytes_per_entry = 96;
    const auto& stats = report.exchange;
    const auto free = stats.log_limit_bytes - std::min(stats.log_bytes, stats.log_limit_bytes);
    visit("replication", "MASTER");
    visit("repcached_version", report.software_version);
    number(visit, "repcached_qi_free", free / bytes_per_entry);
}

}  // namespace

void visit_stats(const PairReport& report, Visit visit) {
    visit_link(report, visit);
    visit_exchange(report.exchange, visit);
    visit_ancestors_keys(report, visit);
}

}  // namespace twincached::replication::pair
