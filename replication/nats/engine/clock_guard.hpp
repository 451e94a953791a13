// Whether this node's clock lets it be one of its cluster (rule C17). Versions further ahead than
// clock-max-ahead are refused; by whose fault, the NATS server's clock tells, the same one to all:
//
//     ahead      every other live node has refused what this one told. It tells nothing more, and
//                once its clock is right it corrects its versions, and compares all.
//     behind     it has refused what others told. Once its clock is right it compares all.
//
// Until then it serves its clients, and is not in step. Owned by the engine, on the replication
// thread.
#pragma once

#include "replication/nats/engine/footing.hpp"
#include "replication/nats/engine/node_state.hpp"
#include "replication/nats/engine/reunion.hpp"
#include "replication/nats/log/cluster_context.hpp"
#include "replication/nats/log/speaker.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace twincached::replication::nats {

class ClockGuard {
  public:
    ClockGuard(ClusterContext& context, Footing& footing, NodeState& state, Speaker& speaker,
               Reunion& reunion) noexcept
        : context_(context),
          footing_(footing),
          state_(state),
          speaker_(speaker),
          reunion_(reunion) {}

    // After every event.
    void judge();
    // What is wrong with the clock; empty: nothing.
    const std::string& objection() const noexcept { return objection_; }

  private:
    bool has_written_ahead() const noexcept;
    bool is_ahead() const noexcept;
    bool is_behind() const noexcept;
    // It goes by that time.
    void object(std::string_view what, std::uint64_t own_ms);
    void come_back();

    ClusterContext& context_;
    Footing& footing_;
    NodeState& state_;
    Speaker& speaker_;
    Reunion& reunion_;
    std::string objection_;
    bool was_ahead_ = false;
    std::uint64_t refused_ = 0;  // of others' versions, when the clock was right last
};

}  // namespace twincached::replication::nats
