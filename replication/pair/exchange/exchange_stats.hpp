// What the exchange counts and measures, and what is to be known of each of these figures. A new
// counter is an enumerator and a row here, and the line that raises it. For `stats replication`;
// any thread may hold one.
#pragma once

#include "lib/counters.hpp"
#include "lib/figure_row.hpp"
#include "replication/changes/tracking_counter.hpp"
#include "replication/driver_figures.hpp"

#include <cstdint>
#include <string>

namespace twincached::replication::pair {

// Raised on the replication strand.
enum class ExchangeCounter : std::uint8_t {
    records_sent,
    records_received,
    bytes_sent,
    bytes_received,
    lists_sent,
    lists_received,
    digests_sent,
    digests_denied,
    wanted_by_us,
    wanted_by_peer,
    stale_rejected,
    apply_nomem,
    peer_nomem,
    resyncs,
    scrub_rounds,
    scrub_told,
    scrub_compared,
    scrub_differing,
    scrub_one_sided,
    scrub_defects,
    hints_sent,
    hints_received,
    versions_refused,
    count_
};

// Each value was true a moment ago; together they need never have been.
struct ExchangeStats {
    lib::Tally<ExchangeCounter> counted{};
    lib::Tally<TrackingCounter> tracked{};  // over all shards
    std::uint64_t unacked = 0;
    std::uint64_t log_bytes = 0;
    std::uint64_t log_limit_bytes = 0;
    std::uint64_t dirty_buckets = 0;
    std::uint64_t walking_buckets = 0;
    std::uint64_t lag_ms = 0;
    std::uint64_t digest = 0;

    std::uint64_t operator[](ExchangeCounter name) const noexcept { return counted[name]; }
    std::uint64_t operator[](TrackingCounter name) const noexcept { return tracked[name]; }
};

// 16 digits, so that people can compare two nodes' at a glance.
inline std::string digest_text(const ExchangeStats& stats) {
    std::string text(16, '0');
    std::uint64_t rest = stats.digest;
    for (auto digit = text.rbegin(); rest != 0; ++digit, rest >>= 4)
        *digit = "0123456789abcdef"[rest & 15U];
    return text;
}

// In the order of the report, what matters most first: plain `stats` shows only as many as it has
// room for.
inline constexpr lib::FigureRow<ExchangeStats> exchange_rows[] = {
    {lag_figure, lib::member<&ExchangeStats::lag_ms>},
    {unacked_figure, lib::member<&ExchangeStats::unacked>},
    {lib::counter("repl_scrub_defects",
                  "items of which the nodes held different versions at rest: mended, and by the "
                  "rules it never happens"),
     lib::counted<ExchangeCounter::scrub_defects>},
    {log_bytes_figure, lib::member<&ExchangeStats::log_bytes>},
    {lib::gauge("repl_log_limit_bytes", lib::Unit::bytes,
                "what it may take: `log-memory` without what its index takes, a quarter at most"),
     lib::member<&ExchangeStats::log_limit_bytes>},
    {log_overflows_figure, lib::counted<TrackingCounter::overflows>},
    {dirty_buckets_figure, lib::member<&ExchangeStats::dirty_buckets>},
    {lib::gauge("repl_walking", "buckets that are being compared now"),
     lib::member<&ExchangeStats::walking_buckets>},
    {resyncs_figure, lib::counted<ExchangeCounter::resyncs>},
    {records_sent_figure, lib::counted<ExchangeCounter::records_sent>},
    {records_received_figure, lib::counted<ExchangeCounter::records_received>},
    {lib::counter("repl_bytes_sent", lib::Unit::bytes,
                  "sent of frames that carry data, in any session"),
     lib::counted<ExchangeCounter::bytes_sent>},
    {lib::counter("repl_bytes_received", lib::Unit::bytes, "received of them"),
     lib::counted<ExchangeCounter::bytes_received>},
    {lib::counter("repl_lists_sent", "lists of what a range of buckets holds, sent to the peer"),
     lib::counted<ExchangeCounter::lists_sent>},
    {lib::counter("repl_lists_received", "lists received"),
     lib::counted<ExchangeCounter::lists_received>},
    {lib::counter("repl_digests_sent", "buckets told by their digests alone"),
     lib::counted<ExchangeCounter::digests_sent>},
    {lib::counter("repl_digests_mismatched",
                  "of those, the ones that differed, so that they were listed"),
     lib::counted<ExchangeCounter::digests_denied>},
    {digest_figure, digest_text},
    {lib::counter("repl_items_requested", "items of the peer's lists that this node asked for"),
     lib::counted<ExchangeCounter::wanted_by_us>},
    {lib::counter("repl_items_requested_by_peer",
                  "items of this node's lists that the peer asked for"),
     lib::counted<ExchangeCounter::wanted_by_peer>},
    {dropped_in_doubt_figure, lib::counted<TrackingCounter::dropped_in_doubt>},
    {conflicts_figure, lib::counted<TrackingCounter::conflicts>},
    {older_updates_ignored_figure, lib::counted<ExchangeCounter::stale_rejected>},
    {evicted_before_send_figure, lib::counted<TrackingCounter::evicted_before_send>},
    {apply_nomem_figure, lib::counted<ExchangeCounter::apply_nomem>},
    {lib::counter("repl_peer_nomem", "items of this node's that found no memory there"),
     lib::counted<ExchangeCounter::peer_nomem>},
    {versions_refused_figure, lib::counted<ExchangeCounter::versions_refused>},
    {lib::counter("repl_scrub_rounds",
                  "times that the peer was told of all buckets (`scrub-interval`)"),
     lib::counted<ExchangeCounter::scrub_rounds>},
    {lib::counter("repl_scrub_told", "buckets whose digests the peer was told for that"),
     lib::counted<ExchangeCounter::scrub_told>},
    {lib::counter("repl_scrub_compared",
                  "buckets of which the peer told, and that were at rest here"),
     lib::counted<ExchangeCounter::scrub_compared>},
    {lib::counter("repl_scrub_differing", "of those, the ones that differed"),
     lib::counted<ExchangeCounter::scrub_differing>},
    {lib::counter(
         "repl_scrub_one_sided",
         "items in the differing ones that one node alone held: evicted or expired on the other"),
     lib::counted<ExchangeCounter::scrub_one_sided>},
    {access_hints_sent_figure, lib::counted<ExchangeCounter::hints_sent>},
    {access_hints_received_figure, lib::counted<ExchangeCounter::hints_received>},
    {access_hints_dropped_figure, lib::counted<TrackingCounter::hints_dropped>},
};
static_assert(lib::without_row<ExchangeCounter>(exchange_rows) == 0);
static_assert(lib::without_row<TrackingCounter>(exchange_rows) == 1, "evictions alone");

}  // namespace twincached::replication::pair
