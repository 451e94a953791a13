// Whether this node may still speak with its number. A second one may come while this one stands
// still, or from another site: then this one lets the number go, and says nothing until it is free.
// Owned by the engine, on the replication thread.
#pragma once

#include "replication/nats/broker.hpp"
#include "replication/nats/engine/footing.hpp"
#include "replication/nats/log/cluster_context.hpp"
#include "replication/nats/log/log_reader.hpp"

#include <cstdint>
#include <string_view>

namespace twincached::replication::nats {

class NumberGuard {
  public:
    NumberGuard(const ClusterContext& context, Footing& footing, Broker& broker) noexcept
        : context_(context), footing_(footing), broker_(broker) {}

    // After every event. For whoever stood still for so long nobody waits any more, and another may
    // have come in its place.
    void judge_pause();
    // `session`: this node's own.
    void on_heard(const Heard& heard, std::uint64_t session);

  private:
    void yield(std::string_view why);

    const ClusterContext& context_;
    Footing& footing_;
    Broker& broker_;
    std::uint64_t awake_ms_ = 0;  // the last event; there is one at every heartbeat
};

}  // namespace twincached::replication::nats
