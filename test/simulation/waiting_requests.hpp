// What clients ask of a simulated node that stands still: it lies in the node's sockets until a
// thread of the node runs again. Then the rule of app/sessions holds (SessionPoller::end_stale), by
// the same lib::PauseDetector: after a pause in which the peer may have taken over, whoever has
// something unread is closed, and nothing of it is executed. Owned by the world, one per process
// of a node.
#pragma once

#include "lib/time/pause_detector.hpp"
#include "replication/pair/timing.hpp"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace twincached::simulation {

struct WaitingRequest {
    std::string key;
    replication::pair::Instant sent{0};
    bool is_delete = false;  // else a set
};

class WaitingRequests {
  public:
    // None, 0: whatever waited is executed.
    explicit WaitingRequests(replication::pair::Timing::ms patience)
        : detector_(static_cast<std::uint64_t>(patience.count())) {}

    // How long an idle thread may not have run when the node stops.
    replication::pair::Timing::ms pulse() const noexcept {
        return replication::pair::Timing::ms(detector_.pulse_ms());
    }
    void runs_at(replication::pair::Instant now) noexcept {
        (void)detector_.runs_at(static_cast<std::uint64_t>(now.count()));
    }
    void wait(WaitingRequest request) { waiting_.push_back(std::move(request)); }

    // The node runs again. What of it is executed, in order: all or nothing.
    std::vector<WaitingRequest> wake(replication::pair::Instant now) {
        auto waiting = std::exchange(waiting_, {});
        if (!detector_.runs_at(static_cast<std::uint64_t>(now.count()))) return waiting;
        closed_ += waiting.size();
        return {};
    }
    // Requests whose clients were closed.
    std::uint64_t closed() const noexcept { return closed_; }

  private:
    lib::PauseDetector detector_;
    std::vector<WaitingRequest> waiting_;
    std::uint64_t closed_ = 0;
};

}  // namespace twincached::simulation
