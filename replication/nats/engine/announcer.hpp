// What this node says in the log, and when: data if it may and has some, claims, and words of life.
// Owned by the engine, on the replication thread.
#pragma once

#include "replication/nats/engine/cluster_owner.hpp"
#include "replication/nats/engine/footing.hpp"
#include "replication/nats/engine/readiness.hpp"
#include "replication/nats/engine/reunion.hpp"
#include "replication/nats/log/batch_sender.hpp"
#include "replication/nats/log/cluster_context.hpp"
#include "replication/nats/log/speaker.hpp"

#include <cstdint>

namespace twincached::replication::nats {

class Announcer {
  public:
    Announcer(ClusterContext& context, Footing& footing, ClusterOwner& owner, Speaker& speaker,
              BatchSender& sender) noexcept
        : context_(context), footing_(footing), owner_(owner), speaker_(speaker), sender_(sender) {}

    // Another connection.
    void begin() noexcept { speak_at_ms_ = 0; }
    // The broker did not take a message: it is asked again later.
    void pause() noexcept;
    void speak(Reunion& reunion, Readiness& readiness);
    // Before the thread rests the sink is asked to wake it, if there is anybody to tell; what has
    // come meanwhile is said first.
    void rest(Reunion& reunion, Readiness& readiness);

  private:
    // After begin_drain(): all that was to be said is in the log, or cannot be said.
    void judge_drained();
    bool may_tell_more() const noexcept;
    SelfDescription description() const noexcept;

    ClusterContext& context_;
    Footing& footing_;
    ClusterOwner& owner_;
    Speaker& speaker_;
    BatchSender& sender_;
    std::uint64_t speak_at_ms_ = 0;  // after a refusal
};

}  // namespace twincached::replication::nats
