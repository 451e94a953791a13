// Says why a node is not in step yet, once it has not been for a moment: whoever runs it sees what
// it waits for, and of whom. One line for each reason, again after a minute; a warning while
// clients are not served for what takes somebody's hand to mend. Owned by the engine, on the
// replication thread.
#pragma once

#include "replication/nats/engine/footing.hpp"
#include "replication/nats/engine/node_state.hpp"
#include "replication/nats/log/cluster_context.hpp"
#include "replication/nats/walk/comparison.hpp"

#include <cstdint>
#include <set>
#include <string>

namespace twincached::replication::nats {

class JoinWatch {
  public:
    JoinWatch(const ClusterContext& context, const Footing& footing, const Comparison& comparison,
              NodeState& state) noexcept
        : context_(context), footing_(footing), comparison_(comparison), state_(state) {}

    // After every event.
    void judge();
    // This node has claimed, in vain.
    void note_void_claim() noexcept { is_claim_void_ = true; }
    // What was said last; empty: it is in step.
    const std::string& reason_told() const noexcept { return reason_; }

  private:
    bool keeps_clients_waiting() const noexcept;
    std::string reason() const;
    std::string reason_in_log() const;
    std::string reason_beside_log() const;

    const ClusterContext& context_;
    const Footing& footing_;
    const Comparison& comparison_;
    NodeState& state_;
    std::uint64_t look_at_ms_ = 0;  // 0: it is in step, or has no broker
    std::uint64_t forget_at_ms_ = 0;
    bool is_claim_void_ = false;
    std::uint64_t since_ms_ = 0;
    std::string reason_;
    std::set<std::string> told_;
};

}  // namespace twincached::replication::nats
