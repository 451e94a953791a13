// When clients may come: when the node is in step, or has waited for long enough in vain. Owned by
// the engine, on the replication thread.
#pragma once

#include "replication/nats/engine/cluster_owner.hpp"
#include "replication/nats/engine/footing.hpp"
#include "replication/nats/engine/node_state.hpp"
#include "replication/nats/log/cluster_context.hpp"

#include <cstdint>
#include <string_view>

namespace twincached::replication::nats {

class Readiness {
  public:
    Readiness(ClusterContext& context, Footing& footing, ClusterOwner& owner,
              NodeState& state) noexcept
        : context_(context), footing_(footing), owner_(owner), state_(state) {}

    void start() noexcept { started_ms_ = cut_off_ms_ = context_.now.steady_ms; }
    // A connection is gone over which the log was read. Others were of no use.
    void cut_off() noexcept { cut_off_ms_ = context_.now.steady_ms; }
    // `refused_ms`: for how long the broker has taken nothing, nor has anybody given anything.
    void judge(std::uint64_t refused_ms);
    // Nobody is left who could confirm what came back from before a restart.
    void drop_unconfirmed();

  private:
    void become_ready(std::string_view why);

    ClusterContext& context_;
    Footing& footing_;
    ClusterOwner& owner_;
    NodeState& state_;
    std::uint64_t started_ms_ = 0;
    std::uint64_t cut_off_ms_ = 0;  // since when there is no broker, if there is none
};

}  // namespace twincached::replication::nats
