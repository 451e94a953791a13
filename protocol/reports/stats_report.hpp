// What `stats` and its kin answer: the keys that memcached has, in its order, with real values
// where this server can know one and 0 where the key has no meaning here; then keys of our own.
// No key of the general report holds a ':', because exporters read that as a slab number.
#pragma once

#include "protocol/execution/service.hpp"

#include <string_view>

namespace twincached::protocol {

class StatsReport {
  public:
    // `service` must outlive it.
    StatsReport(Service& service, const storage::Now& now) noexcept
        : service_(service), now_(now) {}

    void general(StatVisitor visit) const;
    // The figures of that one that are neither the process's nor the replicator's, in no order.
    void figures(lib::FigureVisitor visit) const;
    // `stats latency`: a report of its own, for plain `stats` has to stay short.
    void latencies(lib::FigureVisitor visit) const;
    void items(StatVisitor visit) const;
    void slabs(StatVisitor visit) const;
    void sizes(StatVisitor visit) const;

  private:
    Service& service_;
    const storage::Now& now_;
};

// The report that a client names: "" for the general one, "settings", "items", "slabs", "sizes",
// "conns", "replication" or "latency". False if there is none of that name.
bool report_stats(Service& service, std::string_view name, const storage::Now& now,
                  StatVisitor visit);

}  // namespace twincached::protocol
