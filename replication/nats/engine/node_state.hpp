// What the node is doing, as whoever runs it is told: its state, since when, and what happened
// last. Owned by the engine, on the replication thread.
#pragma once

#include "replication/nats/engine/cluster_owner.hpp"
#include "replication/nats/engine/cluster_report.hpp"
#include "storage/now.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace twincached::replication::nats {

// What goes on, or comes and goes, is not told again sooner.
inline constexpr std::uint64_t said_again_ms = 60'000;

class NodeState {
  public:
    NodeState(ClusterOwner& owner, const storage::Now& now) noexcept : owner_(owner), now_(now) {}

    void begin() noexcept { since_ms_ = now_.steady_ms; }
    void set(ClusterState state, std::string_view why);
    // Connected, and not in step.
    void set_out_of_step(bool serves_clients, std::string_view why) {
        set(serves_clients ? ClusterState::comparing : ClusterState::joining, why);
    }
    void note(LogLevel level, std::string_view line);
    void fill(ClusterReport& report) const;

  private:
    ClusterOwner& owner_;
    const storage::Now& now_;
    ClusterState state_ = ClusterState::disconnected;
    std::uint64_t since_ms_ = 0;
    std::string last_event_;
};

}  // namespace twincached::replication::nats
