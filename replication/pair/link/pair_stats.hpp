// What `stats replication` says of a pair's node. Pure: the driver gathers the reports.
#pragma once

#include "lib/function_ref.hpp"
#include "replication/pair/link/engine.hpp"

#include <string>
#include <string_view>

namespace twincached::replication::pair {

struct PairReport {
    unsigned node = 0;
    std::string peer;    // host:port as configured; empty for a node without one
    std::string listen;  // where the link listens; empty if it does not
    std::string software_version;
    bool has_secret = false;
    bool has_tls = false;
    const AckGate* gate = nullptr;  // none: async
    LinkReport link;
    ExchangeStats exchange;
};

// Every key and value, always in this order. No key has a ':', which memcached's exporter for
// Prometheus would take for a slab number.
void visit_stats(const PairReport& report,
                 lib::FunctionRef<void(std::string_view key, std::string_view value)> visit);

}  // namespace twincached::replication::pair
