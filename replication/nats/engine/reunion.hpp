// How a node that is not in step comes to be: it looks for a donor, and takes over what that knows;
// if nobody answers for long enough it claims to be the one with which all others compare what they
// hold. Owned by the engine, on the replication thread.
#pragma once

#include "replication/nats/broker.hpp"
#include "replication/nats/engine/footing.hpp"
#include "replication/nats/log/cluster_context.hpp"
#include "replication/nats/log/speaker.hpp"
#include "replication/nats/walk/comparison.hpp"

#include <cstdint>

namespace twincached::replication::nats {

class Reunion {
  public:
    Reunion(ClusterContext& context, Footing& footing, Broker& broker, Speaker& speaker,
            Comparison& comparison) noexcept
        : context_(context),
          footing_(footing),
          broker_(broker),
          speaker_(speaker),
          comparison_(comparison) {}

    // Another connection, or all is to be compared anew.
    void begin() noexcept { lonely_since_ms_ = seek_at_ms_ = 0; }
    // A new connection owes no pause to claims over the one before.
    void begin_claims() noexcept { claimed_ms_ = 0; }
    // Somebody else is there to learn from, or nothing is to be learnt.
    void end_loneliness() noexcept { lonely_since_ms_ = 0; }

    void look_for_donor();
    // Some buckets alone cannot be compared with who does not hold what this node held before.
    // REQUIRES, of both: a donor has answered (Comparison::Phase::met).
    bool is_of_another_era() const noexcept {
        return context_.era != 0 && comparison_.state().era != context_.era;
    }
    void take_over();
    bool may_claim() const noexcept;
    void note_claim() noexcept { claimed_ms_ = context_.now.steady_ms; }

  private:
    ClusterContext& context_;
    Footing& footing_;
    Broker& broker_;
    Speaker& speaker_;
    Comparison& comparison_;
    std::uint64_t lonely_since_ms_ = 0;  // 0: it is not
    std::uint64_t seek_at_ms_ = 0;
    std::uint64_t claimed_ms_ = 0;
};

}  // namespace twincached::replication::nats
