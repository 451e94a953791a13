#include "replication/nats/driver/nats_stats.hpp"

#include "replication/driver_figures.hpp"
#include "storage/key.hpp"

#include <algorithm>
#include <string>
#include <string_view>

namespace twincached::replication::nats {
namespace {

// No broker is there, or the one that is takes nothing that this node says.
bool has_no_broker(const NodeReport& node) {
    return node.cluster.state == ClusterState::disconnected || !node.cluster.refusal.empty() ||
           !node.broker.last_refusal.empty();
}

// In the words that all drivers share.
std::string state(const NatsReport& report) {
    const auto& node = report.node;
    if (node.is_draining) return "DRAINING";
    if (node.cluster.is_refused && node.cluster.state != ClusterState::disconnected)
        return "REFUSED";
    if (has_no_broker(node)) return "CONNECTING";
    return node.cluster.state == ClusterState::in_step ? "LINKED" : "SYNCING";
}

// A server says what it denies, and to whom it is denied gets no answer: both are told.
std::string refusal(const NatsReport& report) {
    const auto& node = report.node;
    if (node.cluster.refusal.empty() && !node.broker.last_refusal.empty())
        return node.broker.last_refusal;
    const auto& why = node.cluster.refusal.empty() ? node.cluster.waits_for : node.cluster.refusal;
    if (why.empty()) return {};
    return node.broker.denial.empty() ? why : why + " (" + node.broker.denial + ")";
}

std::string age_of_state(const NatsReport& report) {
    const auto since = report.node.cluster.state_since_ms;
    return std::to_string((std::max(report.now_ms, since) - since) / 1000);
}

std::string ack_state(const NatsReport& report) {
    if (report.gate == nullptr) return "async";
    return report.gate->is_in_sync() ? "sync" : "degraded";
}

template <auto count>
std::string of_gate(const NatsReport& report) {
    return std::to_string(report.gate == nullptr ? 0 : (report.gate->*count)());
}

template <auto part>
std::string of_cluster(const NatsReport& report) {
    return lib::member<part>(report.node.cluster);
}

template <auto part>
std::string of_broker(const NatsReport& report) {
    return lib::member<part>(report.node.broker);
}

constexpr lib::FigureRow<NatsReport> rows[] = {
    {driver_figure, [](const NatsReport&) -> std::string { return "nats"; }},
    {state_figure, state},
    {serving_figure,
     [](const NatsReport& report) -> std::string {
         return report.node.cluster.is_ready ? "READY" : "COLD";
     }},
    {access_figure, [](const NatsReport&) -> std::string { return "open"; }},
    {node_figure, of_cluster<&ClusterReport::node>},
    {peer_figure,
     [](const NatsReport& report) -> std::string { return "the cluster " + report.cluster; }},
    {lib::text("repl_broker", "the NATS server that this node is connected to; empty: to none"),
     of_broker<&LinkFacts::server>},
    {lib::text("repl_broker_servers", "those that it may be connected to, as configured"),
     lib::member<&NatsReport::servers>},
    {lib::text("repl_stream", "the stream that this node's changes go into"),
     lib::member<&NatsReport::stream>},
    {lib::counter("repl_broker_connections", "connections to NATS servers that stood"),
     of_broker<&LinkFacts::connections>},
    {tls_figure,
     [](const NatsReport& report) -> std::string { return report.has_tls ? "yes" : "no"; }},
    {ack_state_figure, ack_state},
    {ack_degradations_figure, of_gate<&AckGate::degradations>},
    {acks_degraded_figure, of_gate<&AckGate::degraded_answers>},
    {acks_refused_figure, of_gate<&AckGate::refused_answers>},
    {last_refusal_figure, refusal},
    {last_event_figure, of_cluster<&ClusterReport::last_event>},
    {state_age_figure, age_of_state},
    {resync_percent_figure,
     [](const NatsReport& report) -> std::string {
         constexpr std::uint64_t all = storage::bucket_count;
         const auto left = std::min(report.node.cluster.dirty_buckets, all);
         return std::to_string((all - left) * 100 / all);
     }},
    {lag_figure, of_cluster<&ClusterReport::lag_ms>},
    {unacked_figure, of_cluster<&ClusterReport::unacked>},
    {lib::gauge("repl_unsent", "of those, the ones that are not on their way yet"),
     of_cluster<&ClusterReport::unsent>},
    {dirty_buckets_figure, of_cluster<&ClusterReport::dirty_buckets>},
};

}  // namespace

void visit_stats(const NatsReport& report, lib::FigureVisitor visit) {
    lib::visit_figures(rows, report, visit);
    for (const auto& row : cluster_rows())
        visit(row.figure, row.value(report.node.cluster));
}

}  // namespace twincached::replication::nats
