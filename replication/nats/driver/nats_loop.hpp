// The replication thread of a cluster's node: the broker, the timer and the clock around the
// engine. It decides nothing. Owned by the replicator, whose thread, the control thread, starts and
// stops it; what is marked so is any thread's, the rest is the replication thread's own.
//
//     wake, timer, broker's link --> before() --> engine, broker --> after(): timer, report
//
// What finds no memory throws, wherever it is, and ends the broker's connection.
#pragma once

#include "lib/mutex.hpp"
#include "replication/nats/cluster_options.hpp"
#include "replication/nats/driver/broker_access.hpp"
#include "replication/nats/driver/broker_link.hpp"
#include "replication/nats/engine/cluster_engine.hpp"
#include "replication/pair/line_limits.hpp"
#include "replication/replicator.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <atomic>
#include <chrono>
#include <future>
#include <optional>
#include <string_view>
#include <thread>

namespace twincached::replication::nats {

// What other threads see of a node.
struct NodeReport {
    ClusterReport cluster;
    LinkFacts broker;
    std::uint64_t made_at_ms = 0;  // on the node's steady clock; 0: it never ran
    bool is_draining = false;
};

class NatsLoop final : private BrokerLink::Owner, private ClusterOwner {
  public:
    struct Parts {
        ClusterOptions cluster;
        BrokerAccess access;
        JetStreamBroker::Settings broker;
        const Events& events;
    };
    // All that it is given must outlive it.
    NatsLoop(Parts parts, ClusterSink& sink);
    ~NatsLoop() override { stop(); }

    // --- the control thread ----------------------------------------------------------------------
    // Before start() and after stop(), for nobody else uses it then.
    ClusterEngine& engine() noexcept { return engine_; }
    void start();
    // Blocks until all is said, or for so long. Once.
    void drain(std::chrono::milliseconds limit);
    // Blocks. Harmless if never started.
    void stop() noexcept;
    bool is_running() const noexcept { return thread_.joinable(); }

    // --- any thread ------------------------------------------------------------------------------
    void wake();
    void resync();
    // For connections that begin from now on.
    void use(BrokerAccess access);
    NodeReport report() const;

  private:
    BrokerLink::Instant before() override;
    void after() override;
    void log(LogLevel level, std::string_view line) override;
    void ready() override;
    void drained() override;

    void run();
    void start_over() noexcept;
    void on_timer();
    void arm_timer();
    void publish() noexcept;

    const Parts parts_;
    boost::asio::io_context context_{1};
    std::thread thread_;
    std::promise<void> drained_;
    std::atomic<bool> woken_{false};
    mutable lib::Mutex report_mutex_;
    NodeReport report_ GUARDED_BY(report_mutex_);

    // --- of the replication thread alone, once it runs
    BrokerLink link_;
    ClusterEngine engine_;
    boost::asio::steady_timer timer_{context_};
    std::optional<BrokerLink::Instant> timer_at_;
    BrokerLink::Instant now_{0};
    BrokerLink::Instant published_at_{0};
    pair::LineLimits line_limits_;
    bool is_draining_ = false;
    bool has_news_ = false;  // to be reported at once
};

}  // namespace twincached::replication::nats
