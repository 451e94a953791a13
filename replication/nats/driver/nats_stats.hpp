// `stats replication` of a cluster's node: what every driver tells, what the broker is, and the
// engine's own rows. Any thread; a report is a copy.
#pragma once

#include "lib/figure_row.hpp"
#include "replication/ack_gate.hpp"
#include "replication/nats/driver/nats_loop.hpp"

#include <cstdint>
#include <string>

namespace twincached::replication::nats {

struct NatsReport {
    NodeReport node;
    const AckGate* gate = nullptr;  // null: no answer waits
    std::string cluster;
    std::string stream;
    std::string servers;  // as configured
    bool has_tls = false;
    std::uint64_t now_ms = 0;  // on the node's steady clock, as `node.made_at_ms`
};

void visit_stats(const NatsReport& report, lib::FigureVisitor visit);

}  // namespace twincached::replication::nats
