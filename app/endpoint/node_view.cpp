#include "app/endpoint/node_view.hpp"

#include "lib/json.hpp"
#include "protocol/reports/stats_report.hpp"

namespace twincached::app {

Standing standing_of(const NodeParts& parts) {
    Standing standing;
    standing.is_stopping = parts.phase.is_stopping();
    standing.is_drained = parts.phase.is_drained();
    standing.open_for = parts.phase.open_for();
    standing.process_unchanged_for = parts.phase.unchanged_for();
    parts.replicator.stats(
        [&](const lib::Figure& figure, std::string_view value) { standing.take(figure, value); });
    return standing;
}

std::string history_of(const NodeParts& parts) {
    return history_json(parts.history.all());
}

std::string json_of(const std::vector<RecentLine>& lines) {
    namespace json = boost::json;
    json::array array;
    for (const auto& line : lines) {
        array.push_back(json::object{{"number", line.number},
                                     {"at_ms", line.at_ms},
                                     {"level", line.level},
                                     {"text", printable(line.text)}});
    }
    return json::serialize(array) + "\n";
}

void visit_figures_of(const NodeParts& parts, lib::FigureVisitor visit) {
    const auto now = parts.clock.now();
    parts.service.process_figures(visit);
    const protocol::StatsReport report(parts.service, now);
    report.figures(visit);
    report.latencies(visit);
    parts.replicator.stats(visit);
}

bool digests_of(const NodeParts& parts, storage::BucketNumber first,
                std::span<std::uint64_t> digests) {
    return parts.replicator.digests(parts.service.store(), first, digests);
}

}  // namespace twincached::app
