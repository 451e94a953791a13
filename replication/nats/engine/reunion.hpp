// How a node that is not in step comes to be: it looks for a donor, and takes over what that knows;
// if nobody answers for long enough it claims to be the one with which all others compare what they
// hold. Who hears such a claim, or of an earlier one at another site, starts over. Owned by the
// engine, on the replication thread.
#pragma once

#include "replication/nats/broker.hpp"
#include "replication/nats/engine/footing.hpp"
#include "replication/nats/engine/node_state.hpp"
#include "replication/nats/log/batch_sender.hpp"
#include "replication/nats/log/cluster_context.hpp"
#include "replication/nats/log/log_reader.hpp"
#include "replication/nats/log/speaker.hpp"
#include "replication/nats/walk/comparison.hpp"

#include <cstdint>
#include <string_view>

namespace twincached::replication::nats {

class Reunion {
  public:
    Reunion(ClusterContext& context, Footing& footing, NodeState& state, Broker& broker,
            Speaker& speaker, BatchSender& sender, Comparison& comparison) noexcept
        : context_(context),
          footing_(footing),
          state_(state),
          broker_(broker),
          speaker_(speaker),
          sender_(sender),
          comparison_(comparison) {}

    // Another connection, which owes no pause to claims over the one before.
    void begin() noexcept { lonely_since_ms_ = seek_at_ms_ = claimed_ms_ = 0; }
    // Somebody else is there to learn from, or nothing is to be learnt.
    void end_loneliness() noexcept { lonely_since_ms_ = 0; }

    void look_for_donor();
    // REQUIRES: a donor has answered (Comparison::Phase::met).
    void meet_donor();
    bool may_claim() const noexcept;
    void note_claim() noexcept { claimed_ms_ = context_.now.steady_ms; }

    // All is compared with another node.
    void start_over(std::string_view why);
    // A claim that stands was heard.
    void on_claim(const Heard& heard, const Delivery& delivery);
    void judge_era(const Heard& heard, const Delivery& delivery);

  private:
    void begin_alone(std::int64_t claimed_ms);
    void take_over();

    ClusterContext& context_;
    Footing& footing_;
    NodeState& state_;
    Broker& broker_;
    Speaker& speaker_;
    BatchSender& sender_;
    Comparison& comparison_;
    std::uint64_t lonely_since_ms_ = 0;  // 0: it is not
    std::uint64_t seek_at_ms_ = 0;
    std::uint64_t claimed_ms_ = 0;
};

}  // namespace twincached::replication::nats
