#include "replication/nats/engine/cluster_report.hpp"

#include "replication/driver_figures.hpp"

#include <cstdio>

namespace twincached::replication::nats {
namespace {

std::string digest_text(const ClusterReport& report) {
    char text[17];
    (void)std::snprintf(text, sizeof text, "%016llx",
                        static_cast<unsigned long long>(report.digest));
    return text;
}

// "ready, in step", of one of the members; empty: it was not heard within member-timeout.
template <unsigned node>
std::string member_text(const ClusterReport& report) {
    const auto& member = report.members[node];
    if (!member.is_live) return {};
    return std::string(member.is_ready ? "ready" : "joining") +
           (member.is_in_step ? ", in step" : ", comparing");
}

template <unsigned node>
std::string member_lag(const ClusterReport& report) {
    const auto& member = report.members[node];
    if (!member.is_live || member.consumed > report.last) return "0";
    return std::to_string(report.last - member.consumed);
}

constexpr std::string_view member_help =
    "how this node says that it is, if it was heard within `member-timeout`; empty: it was not";
constexpr std::string_view member_lag_help =
    "messages that this node had not read when it last spoke";

constexpr lib::FigureRow<ClusterReport> rows[] = {
    {lib::state(
         "repl_cluster_state", "DISCONNECTED|JOINING|COMPARING|IN_STEP",
         "`IN_STEP`, `COMPARING` (with another node, while clients are served), `JOINING` (the "
         "same, before they are), `DISCONNECTED` from the broker"),
     lib::member<&ClusterReport::state>},
    {lib::gauge("repl_members", "other nodes that were heard within `member-timeout`"),
     lib::member<&ClusterReport::live_members>},
    {lib::text("repl_member_0", member_help), member_text<0>},
    {lib::text("repl_member_1", member_help), member_text<1>},
    {lib::text("repl_member_2", member_help), member_text<2>},
    {lib::text("repl_member_3", member_help), member_text<3>},
    {lib::gauge("repl_member_0_behind", member_lag_help), member_lag<0>},
    {lib::gauge("repl_member_1_behind", member_lag_help), member_lag<1>},
    {lib::gauge("repl_member_2_behind", member_lag_help), member_lag<2>},
    {lib::gauge("repl_member_3_behind", member_lag_help), member_lag<3>},
    {lib::gauge("repl_stream_consumed", "the last message of this site's stream that is applied"),
     lib::member<&ClusterReport::consumed>},
    {lib::gauge("repl_stream_last", "the last that is known to be there"),
     lib::member<&ClusterReport::last>},
    {lib::text("repl_stream_doubts",
               "what somebody else has set the streams to, and the cluster suffers from, as they "
               "were when this node connected, or looked again; empty: nothing"),
     lib::member<&ClusterReport::stream_doubts>},
    {lib::gauge("repl_removals_kept",
                "removals that are remembered until all other nodes have read of them"),
     lib::member<&ClusterReport::removals>},
    {lib::counter("repl_removals_folded",
                  "removals for which there was no room, so that older items of their buckets are "
                  "refused instead"),
     lib::member<&ClusterReport::removals_folded>},
    {lib::counter("repl_messages_sent", "messages that this node has made for the log"),
     lib::counted<ClusterCounter::messages_sent>},
    {lib::counter("repl_messages_received", "messages of other nodes"),
     lib::counted<ClusterCounter::messages_received>},
    {lib::counter(
         "repl_messages_refused",
         "messages of which at least a part made no sense, or that were of another cluster"),
     lib::counted<ClusterCounter::messages_refused>},
    {lib::counter("repl_messages_late", "messages of a session that was over, or read before"),
     lib::counted<ClusterCounter::messages_late>},
    {lib::counter("repl_messages_not_published",
                  "messages that the broker did not take, or not say so; they were made anew"),
     lib::counted<ClusterCounter::not_published>},
    {resyncs_figure, lib::counted<ClusterCounter::comparisons>},
    {lib::counter("repl_items_fetched", "items that this node got from one that was in step"),
     lib::counted<ClusterCounter::fetched_items>},
    {lib::counter("repl_items_given", "items that it gave to others as such a node"),
     lib::counted<ClusterCounter::given_items>},
    {records_sent_figure, lib::counted<ClusterCounter::records_sent>},
    {records_received_figure, lib::counted<ClusterCounter::records_received>},
    {older_updates_ignored_figure, lib::counted<ClusterCounter::older_updates_ignored>},
    {apply_nomem_figure, lib::counted<ClusterCounter::apply_nomem>},
    {versions_refused_figure, lib::counted<ClusterCounter::versions_refused>},
    {access_hints_sent_figure, lib::counted<ClusterCounter::hints_sent>},
    {access_hints_received_figure, lib::counted<ClusterCounter::hints_received>},
    {access_hints_dropped_figure, lib::counted<TrackingCounter::hints_dropped>},
    {log_overflows_figure, lib::counted<TrackingCounter::overflows>},
    {conflicts_figure, lib::counted<TrackingCounter::conflicts>},
    {dropped_in_doubt_figure, lib::counted<TrackingCounter::dropped_in_doubt>},
    {evicted_before_send_figure, lib::counted<TrackingCounter::evicted_before_send>},
    {log_bytes_figure, lib::member<&ClusterReport::log_bytes>},
    {digest_figure, digest_text},
};
static_assert(lib::without_row<ClusterCounter>(rows) == 0);
static_assert(lib::without_row<TrackingCounter>(rows) == 1, "evictions alone");

}  // namespace

std::string_view name_of(ClusterState state) noexcept {
    constexpr std::string_view names[] = {"DISCONNECTED", "JOINING", "COMPARING", "IN_STEP"};
    return names[static_cast<std::size_t>(state)];
}

std::span<const lib::FigureRow<ClusterReport>> cluster_rows() noexcept {
    return rows;
}

ClusterReport report_of(const ClusterContext& context) {
    ClusterReport report;
    report.node = context.options.node;
    for (unsigned node = 0; node < nodes_limit; ++node) {
        const auto& member = context.members[node];
        report.members[node] = {false, member.is_ready, member.is_in_step,
                                member.consumed[own_stream],
                                member.is_known ? context.members.silent_ms(node) : 0};
    }
    report.era = context.era;
    report.consumed = context.places[own_stream].consumed;
    report.last = context.end_of_log().sequence;
    report.unacked = context.sum(&ShardTracking::log_entries);
    report.unsent = context.sum(&ShardTracking::log_unsent);
    report.log_bytes = context.sum(&ShardTracking::log_bytes);
    report.dirty_buckets =
        context.sum(&ShardTracking::dirty) + context.sum(&ShardTracking::walking);
    report.counted.add(context.counters);
    for (unsigned i = 0; i < context.shard_count(); ++i) {
        const auto& tracking = context.sink.changes().shard(i);
        report.tracked.add(tracking.counters);
        report.digest ^= tracking.digest.load(std::memory_order_relaxed);
        report.removals += context.sink.kept(i);
        report.removals_folded += context.sink.folded(i);
    }
    return report;
}

}  // namespace twincached::replication::nats
