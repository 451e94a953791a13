// One node of a simulated cluster: a real store, a real sink, a real engine, a clock of its own.
#pragma once

#include "lib/hash.hpp"
#include "replication/ack_gate.hpp"
#include "replication/nats/engine/cluster_engine.hpp"
#include "storage/store.hpp"
#include "test/simulation/nats/cluster_history.hpp"
#include "test/simulation/sim_memory.hpp"

#include <algorithm>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

namespace twincached::simulation {

struct ClusterNodeOptions {
    replication::nats::ClusterOptions cluster;
    std::size_t log_bytes = 1U << 20;
    std::size_t removals_bytes = 1U << 20;
    std::uint64_t memory_bytes = 64U << 20;
    std::int64_t clock_ahead_ms = 0;  // of the wall clock
    bool trace = false;
};

class ClusterNode final : private replication::nats::ClusterOwner {
  public:
    ClusterNode(const ClusterNodeOptions& options, const lib::KeyedHash& hash,
                replication::nats::Broker& broker, ClusterHistory& history,
                const std::uint64_t& world_ms, const SimMemory* memory = nullptr);

    using Event = std::function<void(replication::nats::BrokerEvents&)>;
    // At once, or, while the node stands still, when it goes on.
    void call(const Event& event);
    void tick();
    void stand_still() { is_still_ = true; }
    void go_on();
    // What the store's own thread does, which does not wait for what the broker has to say.
    void maintain();
    void drain() {
        engine_->at(now());
        engine_->begin_drain();
    }
    bool is_still() const { return is_still_; }
    // For a warm restart; the node is of no use afterwards.
    SimMemory remember();

    storage::Store& store() { return *store_; }
    replication::nats::ClusterSink& sink() { return sink_; }
    replication::nats::ClusterEngine& engine() { return *engine_; }
    bool is_ready() const { return is_ready_; }
    bool is_drained() const { return is_drained_; }
    bool is_in_step() const;
    bool has_dropped_what_it_kept() const;
    replication::nats::Era era() const;
    bool is_at_rest() const;
    // Its wall clock is set.
    // Set back, version time runs on as before while there are versions of that time.
    void set_clock_ahead(std::int64_t ms) noexcept {
        led_ms_ =
            static_cast<std::uint64_t>(std::max<std::int64_t>(0, options_.clock_ahead_ms - ms));
        options_.clock_ahead_ms = ms;
    }
    storage::Now now() const;
    const std::string& log() const { return log_; }
    const std::string& warnings() const { return warnings_; }  // of those lines
    unsigned flushes() const;  // that this node has carried out for its clients or others'

    // --- clients ---
    storage::Version set(std::string_view key, std::string_view value, storage::Expiry expiry = {});
    void remove(std::string_view key);
    void touch(std::string_view key, storage::Expiry expiry);
    void flush(std::uint64_t in_ms = 0);
    std::string get(std::string_view key);  // "(miss)"
    void evict(std::string_view key);
    struct Held {
        storage::Version version = 0;
        std::string value;
        bool operator==(const Held&) const = default;
    };
    std::map<std::string, Held> contents();

    // Its clients' changes of that key are not all in the log.
    bool has_untold(std::string_view key);

  private:
    class Observer;
    void log(replication::LogLevel level, std::string_view line) override;
    void ready() override { is_ready_ = true; }
    void drained() override { is_drained_ = true; }
    storage::Version version_of(std::string_view key);
    void note_doubts();

    ClusterNodeOptions options_;
    std::uint64_t led_ms_ = 0;
    const std::uint64_t& world_ms_;
    ClusterHistory& history_;
    bool is_ready_ = false;
    bool is_drained_ = false;
    bool is_still_ = false;
    bool is_woken_ = false;
    std::string log_;
    std::string warnings_;
    std::deque<Event> waiting_;
    replication::AckGate gate_;
    replication::nats::ClusterSink sink_;
    std::shared_ptr<Observer> observer_;
    std::unique_ptr<storage::Store> store_;
    std::unique_ptr<replication::nats::ClusterEngine> engine_;
};

}  // namespace twincached::simulation
