// A node of a cluster without its broker's library: what the broker says comes in as calls of
// BrokerEvents, what is to be said goes out through Broker. Sans-I/O, without a clock.
//
//     engine.at(now); engine.delivered(...);     before each event the time is told
//     engine.at(now); engine.on_wake();          the sink's wake function was called
//     engine.at(now); engine.on_timer();         when deadline() has come; more often does no harm
//
// Owned by the driver; the replication thread alone calls it (a simulation: any one thread), and
// never from inside a call that the engine makes. What is not noexcept may throw std::bad_alloc
// and may have done a part of what it was to do: then drop the broker's connection, and tell
// disconnected().
#pragma once

#include "replication/nats/broker.hpp"
#include "replication/nats/cluster_options.hpp"
#include "replication/nats/engine/announcer.hpp"
#include "replication/nats/engine/attendance.hpp"
#include "replication/nats/engine/clock_guard.hpp"
#include "replication/nats/engine/cluster_owner.hpp"
#include "replication/nats/engine/cluster_report.hpp"
#include "replication/nats/engine/footing.hpp"
#include "replication/nats/engine/join_watch.hpp"
#include "replication/nats/engine/log_follower.hpp"
#include "replication/nats/engine/node_state.hpp"
#include "replication/nats/engine/number_guard.hpp"
#include "replication/nats/engine/readiness.hpp"
#include "replication/nats/engine/removal_keeper.hpp"
#include "replication/nats/engine/reunion.hpp"
#include "replication/nats/log/batch_sender.hpp"
#include "replication/nats/log/cluster_context.hpp"
#include "replication/nats/log/hint_teller.hpp"
#include "replication/nats/log/log_reader.hpp"
#include "replication/nats/log/record_applier.hpp"
#include "replication/nats/log/speaker.hpp"
#include "replication/nats/removals/cluster_sink.hpp"
#include "replication/nats/walk/comparison.hpp"
#include "replication/nats/walk/donor.hpp"
#include "replication/replicator.hpp"
#include "storage/store.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace twincached::replication::nats {

class ClusterEngine final : public BrokerEvents {
  public:
    // All must outlive it. The sink's wake function must lead to on_wake().
    ClusterEngine(const ClusterOptions& options, ClusterSink& sink, Broker& broker,
                  ClusterOwner& owner);

    // Before `start`; the store must have been built with that sink.
    void attach(storage::Store& store) noexcept;
    // Warm restart: after the last event; and after attach(), before `start` and any item.
    std::string remember();
    lib::Parsed<Recall> recall(const Remembered& memory);
    void start();

    // The time of the next events.
    void at(const storage::Now& now) noexcept { now_ = now; }
    void on_wake();
    void on_timer();
    // When on_timer() is to be called at the latest, by the steady clock; asked after each event.
    std::chrono::milliseconds deadline() const noexcept {
        return std::chrono::milliseconds(deadline_ms_);
    }
    // Says what is still to be said and leaves, for as long as the driver waits.
    void begin_drain();
    // All is compared with another node again.
    void resync();
    ClusterReport report() const;

    // --- BrokerEvents ----------------------------------------------------------------------
    void connected(std::size_t max_payload) override;
    void disconnected(std::string_view why) override;
    void stream_is(StreamId stream, const StreamState& state) override;
    void no_stream(StreamId stream, std::string_view why) override;
    void published(Token token, Sequence sequence) override;
    void not_published(Token token, std::string_view why) override;
    void delivered(const Delivery& delivery) override;
    void reading(StreamId stream) override;
    void consumer_lost(StreamId stream, std::string_view why) override;
    void asked(std::string_view subject, std::string_view payload, std::string_view to) override;
    void answered(Token token, std::string_view payload, std::string_view to) override;
    void not_answered(Token token, std::string_view why) override;
    void told(std::string_view subject, std::string_view payload) override;

  private:
    // After every event.
    void update();
    void count_on_this_node(std::uint64_t since_ms) noexcept;
    void judge_catching_up();
    void judge_step();
    void note_refusal(std::string_view why);
    void set_deadline() noexcept;
    std::uint64_t lag_ms() const noexcept;

    void on_heard(const Heard& heard, const Delivery& delivery);

    const ClusterOptions options_;
    storage::Now now_;
    Broker& broker_;
    NodeState state_;
    Footing footing_;
    // Why the broker takes nothing, and will not, or has not for a while; as it was told.
    std::string refusal_;
    std::size_t message_limit_ = 0;  // of this connection; the stream may have a lower one
    ClusterContext context_;
    RecordApplier applier_;
    BatchSender sender_;
    Speaker speaker_;
    LogReader reader_;
    LogFollower follower_;
    Comparison comparison_;
    Donor donor_;
    RemovalKeeper keeper_;
    HintTeller hints_;
    Reunion reunion_;
    Readiness readiness_;
    Announcer announcer_;
    NumberGuard number_;
    ClockGuard clock_;
    JoinWatch watch_;
    Attendance attendance_;

    bool is_serving_ = false;      // answers as a donor
    bool is_catching_up_ = false;  // in one of several logs
    std::uint64_t deadline_ms_ = 0;
};

}  // namespace twincached::replication::nats
