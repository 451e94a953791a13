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
#include "replication/nats/engine/cluster_report.hpp"
#include "replication/nats/removals/cluster_sink.hpp"
#include "replication/replicator.hpp"
#include "storage/store.hpp"

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace twincached::replication::nats {

// Who is told what the node decides; called from inside an event, and calls nothing back.
class ClusterOwner {
  public:
    virtual ~ClusterOwner() = default;
    virtual void log(LogLevel level, std::string_view line) = 0;
    virtual void ready() = 0;    // clients may come; once
    virtual void drained() = 0;  // after begin_drain(), once: all that was to be said is in the log
};

class ClusterEngine final : public BrokerEvents {
  public:
    // All must outlive it. The sink's wake function must lead to on_wake().
    ClusterEngine(const ClusterOptions& options, ClusterSink& sink, Broker& broker,
                  ClusterOwner& owner);
    ~ClusterEngine() override;

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
    std::optional<std::chrono::milliseconds> deadline() const noexcept;
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
    void consumer_lost(StreamId stream, std::string_view why) override;
    void asked(std::string_view subject, std::string_view payload, std::string_view to) override;
    void answered(Token token, std::string_view payload, std::string_view to) override;
    void not_answered(Token token, std::string_view why) override;
    void told(std::string_view subject, std::string_view payload) override;

  private:
    class Parts;

    storage::Now now_;
    std::unique_ptr<Parts> parts_;
};

}  // namespace twincached::replication::nats
