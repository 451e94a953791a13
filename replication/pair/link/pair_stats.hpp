// What `stats replication` says of a pair's node. Pure: the driver gathers the reports.
#pragma once

#include "lib/figure_row.hpp"
#include "replication/pair/link/engine.hpp"

#include <cstdint>
#include <string>

namespace twincached::replication::pair {

struct PairReport {
    std::string peer;    // host:port as configured; empty for a node without one
    std::string listen;  // where the link listens; empty if it does not
    std::string software_version;
    bool has_secret = false;
    bool has_tls = false;
    const AckGate* gate = nullptr;  // none: async
    Instant now{0};                 // to which ages are counted
    LinkReport link;
    ExchangeStats exchange;
    std::uint64_t asked = 0;      // of the other node, by clients of this one
    std::uint64_t not_asked = 0;  // for want of room
    std::uint64_t answered = 0;   // of those that were asked
    std::uint64_t waited_us = 0;  // for these, by their clients together
    std::uint64_t recent_wait_us = 0;
};

// What the node leaves behind at its end that the peer has not confirmed, as a line for the log;
// empty: nothing. `items`: that it holds.
std::string left_behind(const PairReport& report, std::uint64_t items);

// Every figure and its value, always all of them, in the same order.
void visit_stats(const PairReport& report, lib::FigureVisitor visit);

}  // namespace twincached::replication::pair
