// Looks at a running server for the admin endpoint: its standing, its figures, its items.
// Everything that it asks is any thread's: atomics, sums of the io threads' counters, reports
// behind locks that are held for moments. So it waits for no io thread. Figures ask every shard of
// the store; the standing asks none.
//
// Owned by the endpoint, on its thread.
#pragma once

#include "app/endpoint/node_phase.hpp"
#include "app/endpoint/request.hpp"
#include "app/endpoint/standing.hpp"
#include "app/history/failover_history.hpp"
#include "app/process/log.hpp"
#include "app/process/recent_lines.hpp"
#include "app/process/system_clock.hpp"
#include "app/reports/server_service.hpp"
#include "replication/replicator.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace twincached::app {

// All must outlive who looks.
struct NodeParts {
    ServerService& service;
    replication::Replicator& replicator;
    const SystemClock& clock;
    NodePhase& phase;
    const FailoverHistory& history;
    const Log& log;
    const RecentLines& link_lines;  // what the link has logged
};

Standing standing_of(const NodeParts& parts);
std::string history_of(const NodeParts& parts);
// As /events tells them.
std::string json_of(const std::vector<RecentLine>& lines);
void visit_figures_of(const NodeParts& parts, lib::FigureVisitor visit);
// False: the node keeps none.
bool digests_of(const NodeParts& parts, storage::BucketNumber first,
                std::span<std::uint64_t> digests);

}  // namespace twincached::app
