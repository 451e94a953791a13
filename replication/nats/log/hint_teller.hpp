// Tells other nodes what is in use here, beside the log, and counts for eviction what is in use
// there. Hints, which may be lost, and of which only some are told: a node that all others hear
// costs each of them. Owned by the engine, on the replication thread.
#pragma once

#include "replication/changes/hints.hpp"
#include "replication/nats/broker.hpp"
#include "replication/nats/log/cluster_context.hpp"

#include <array>
#include <cstdint>
#include <string_view>

namespace twincached::replication::nats {

class HintTeller {
  public:
    static constexpr std::string_view subject = "hint";

    HintTeller(ClusterContext& context, Broker& broker) noexcept
        : context_(context), broker_(broker) {}

    // What has gathered, at most once in a while. REQUIRES: connected, and there are others.
    void tell();
    void hear(std::string_view payload);

  private:
    ClusterContext& context_;
    Broker& broker_;
    std::uint64_t due_ms_ = 0;
    std::array<std::uint64_t, Hints::limit> hashes_{};
};

}  // namespace twincached::replication::nats
