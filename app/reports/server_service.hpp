// What conversations may ask of the server (protocol::Service): the store, settings, sums of
// counters, reports that only the process can make, and requests that it passes on. It is built
// when all that it speaks of stands, and conversations begin after it. Owned by the server; any io
// thread.
#pragma once

#include "app/listeners/acceptor.hpp"
#include "app/listeners/connection_limit.hpp"
#include "app/options/options.hpp"
#include "app/process/log.hpp"
#include "app/process/system_clock.hpp"
#include "app/process/throttled_note.hpp"
#include "app/reports/counter_sums.hpp"
#include "app/sessions/client_tls.hpp"
#include "app/sessions/io_pool.hpp"
#include "lib/figure_row.hpp"
#include "lib/mutex.hpp"
#include "protocol/execution/service.hpp"
#include "protocol/observation/watch_events.hpp"
#include "replication/replicator.hpp"

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace twincached::app {

class ServerService final : public protocol::Service {
  public:
    // What it reports on and acts upon. Built before it; outlives it.
    struct Parts {
        const Options& options;
        storage::Store& store;
        replication::Replicator& replicator;
        SystemClock& clock;
        ConnectionLimit& limit;
        const ClientTls* tls;  // null: none
        const IoPool& pool;
        const Acceptor& acceptor;
        Log& log;
    };
    // What clients may ask for and the server does. Called on the client's thread.
    struct Requests {
        std::function<void()> stop;
        std::function<protocol::CertificateRefresh()> refresh_certificates;
    };
    ServerService(const Parts& parts, Requests requests);

    storage::Store& store() noexcept override { return parts_.store; }
    const protocol::Settings& settings() const noexcept override { return settings_; }
    std::string_view version() const noexcept override;

    std::uint64_t total(protocol::Count name) const noexcept override { return sums_.total(name); }
    std::uint64_t total(unsigned size_class, protocol::ClassCount name) const noexcept override {
        return sums_.total(size_class, name);
    }
    void reset_counters() noexcept override;
    protocol::LatencyTally latencies() const override;

    void process_stats(protocol::StatVisitor visit) const override;
    // The same with all that is known of each; any thread.
    void process_figures(lib::FigureVisitor visit) const;
    void settings_stats(protocol::StatVisitor visit) const override;
    std::uint64_t connection_stats(std::uint64_t from, protocol::StatVisitor visit) const override;
    void replication_stats(protocol::StatVisitor visit) const override;

    // What a reload has put in force, for those who ask for the settings. Any thread.
    void show(const Options& options);

    void set_verbosity(unsigned level) noexcept override;
    void request_shutdown(bool graceful) noexcept override;
    protocol::CertificateRefresh refresh_certificates() override;
    void note_shut_out(std::string_view host) noexcept override;
    void note_no_memory() noexcept override;
    void change_clock(const protocol::ClockChange& change) noexcept override;

  private:
    std::shared_ptr<const Options> in_force() const;

    const Parts parts_;
    const Requests requests_;
    CounterSums sums_;
    const protocol::Settings settings_;
    protocol::EvictionTeller evictions_;
    const std::int64_t port_;  // the first of them; as the system chose it, if it did
    const storage::Tick started_;
    std::atomic<std::int64_t> verbosity_;
    mutable lib::Mutex in_force_mutex_;  // held while a pointer is copied
    std::shared_ptr<const Options> in_force_ GUARDED_BY(in_force_mutex_);
    ThrottledNote shut_out_;
    ThrottledNote without_memory_;
};

}  // namespace twincached::app
