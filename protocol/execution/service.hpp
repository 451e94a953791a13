// What conversations may ask of the server they belong to: its store, its settings, what they
// share, and what only the process knows or can do. Protocol defines it, app implements it, once a
// server. Virtual calls are for reports and administration; what a request needs is looked up when
// its conversation begins (Executor).
#pragma once

#include "protocol/certificate_refresh.hpp"
#include "protocol/clock_change.hpp"
#include "protocol/execution/counts.hpp"
#include "protocol/execution/shared_state.hpp"
#include "protocol/execution/thread_counters.hpp"
#include "protocol/observation/latencies.hpp"
#include "protocol/settings.hpp"
#include "protocol/stat_visitor.hpp"
#include "storage/store.hpp"

#include <cstdint>
#include <string_view>

namespace twincached::protocol {

// Any io thread may call any member.
class Service {
  public:
    virtual ~Service() = default;

    virtual storage::Store& store() noexcept = 0;
    virtual const Settings& settings() const noexcept = 0;
    virtual std::string_view version() const noexcept = 0;  // "1.6.45 twincached/0.1.0"

    // Sums of all threads' counters since start or `stats reset`.
    virtual std::uint64_t total(Count name) const noexcept = 0;
    virtual std::uint64_t total(unsigned size_class, ClassCount name) const noexcept = 0;
    // For all threads together; what a thread counts goes on, and reports subtract.
    virtual void reset_counters() noexcept = 0;

    // Of all threads together, since the start.
    virtual LatencyTally latencies() const { return {}; }

    // Keys of `stats` that only the process knows: pid, uptime, connections, threads, rusage...
    virtual void process_stats(StatVisitor visit) const = 0;
    virtual void settings_stats(StatVisitor visit) const = 0;
    // Thousands of clients are told of in several turns: those behind `from`, which is 0 at first.
    // Returns where to go on, 0 at the end.
    virtual std::uint64_t connection_stats(std::uint64_t from, StatVisitor visit) const = 0;
    virtual void replication_stats(StatVisitor visit) const = 0;

    virtual void set_verbosity(unsigned level) noexcept = 0;
    // A client asked the server to stop (shutdown, only if enabled).
    virtual void request_shutdown(bool graceful) noexcept = 0;
    // A client asked for certificates to be read again. Blocks for as long as that takes.
    virtual CertificateRefresh refresh_certificates() { return {}; }
    // A client was closed because its logins failed. `host`: where it came from.
    virtual void note_shut_out(std::string_view /*host*/) noexcept {}
    // A client was closed because the system had no memory for it.
    virtual void note_no_memory() noexcept {}
    virtual void change_clock(const ClockChange&) noexcept {}

    // Zeroes all counters, of all threads, as `stats reset` does.
    void reset_stats() {
        reset_counters();
        store().reset_stats();
        shared_.observation.reset();
    }
    // Only reads are served; see SharedState.
    bool is_read_only() const noexcept { return shared_.read_only.load(std::memory_order_relaxed); }

    SharedState& shared() noexcept { return shared_; }
    const SharedState& shared() const noexcept { return shared_; }

  private:
    SharedState shared_;
};

}  // namespace twincached::protocol
