// What the store of a cluster's node reports its changes to: the change log of what this node has
// not told, and what is kept of removals that not every other node has heard of.
#pragma once

#include "replication/changes/change_sink.hpp"
#include "storage/mutation.hpp"

namespace twincached::replication::nats {

class ClusterSink final : public storage::MutationSink {
  public:
    // As ChangeSink.
    ClusterSink(unsigned shards, std::size_t log_memory_bytes, AckGate* gate = nullptr);

    ChangeSink& changes() noexcept;  // set_wake(), gate()
};

}  // namespace twincached::replication::nats
