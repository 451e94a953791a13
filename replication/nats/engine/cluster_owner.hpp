// Who owns a node of a cluster. Called on the replication thread.
#pragma once

#include "replication/replicator.hpp"

#include <string_view>

namespace twincached::replication::nats {

// Who is told what the node decides; called from inside an event, and calls nothing back.
class ClusterOwner {
  public:
    virtual ~ClusterOwner() = default;
    virtual void log(LogLevel level, std::string_view line) = 0;
    virtual void ready() = 0;    // clients may come; once
    virtual void drained() = 0;  // after begin_drain(), once: all that was to be said is in the log
};

}  // namespace twincached::replication::nats
