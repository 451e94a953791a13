// What conversations may ask of the server (protocol::Service): the store, settings, sums of
// counters, and reports that only the process can make. Owned by the server; any io thread.
#pragma once

#include "app/listeners/acceptor.hpp"
#include "app/listeners/connection_limit.hpp"
#include "app/options/options.hpp"
#include "app/process/log.hpp"
#include "app/sessions/client_tls.hpp"
#include "app/sessions/io_pool.hpp"
#include "protocol/execution/service.hpp"
#include "protocol/observation/watch_events.hpp"
#include "replication/replicator.hpp"

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <string>

namespace twincached::app {

class ServerService final : public protocol::Service {
  public:
    ServerService(const Options& options, storage::Store& store, ConnectionLimit& limit, Log& log);

    // What did not exist when this was built. Before the first conversation.
    struct Rest {
        const IoPool* pool = nullptr;
        const Acceptor* acceptor = nullptr;
        const replication::Replicator* replicator = nullptr;
        SystemClock* clock = nullptr;
        const ClientTls* tls = nullptr;  // null: none
        std::function<void(bool graceful)> shutdown;
        std::function<protocol::CertificateRefresh()> refresh_certificates;
    };
    void connect(Rest rest) {
        rest_ = std::move(rest);
        started_ = rest_.clock->now().tick();
    }
    void set_udp_port(std::int64_t port) noexcept { udp_port_ = port; }
    // Before the first conversation.
    void set_confirmation(protocol::Confirmation confirmation) noexcept {
        settings_.confirmation = confirmation;
    }
    void set_port(std::int64_t port) noexcept { port_ = port; }

    storage::Store& store() noexcept override { return store_; }
    const protocol::Settings& settings() const noexcept override { return settings_; }
    std::string_view version() const noexcept override;

    std::uint64_t total(protocol::Count name) const noexcept override;
    std::uint64_t total(unsigned size_class, protocol::ClassCount name) const noexcept override;
    void reset_counters() noexcept override;

    void process_stats(protocol::StatVisitor visit) const override;
    void settings_stats(protocol::StatVisitor visit) const override;
    void connection_stats(protocol::StatVisitor visit) const override;
    void replication_stats(protocol::StatVisitor visit) const override;

    void set_verbosity(unsigned level) noexcept override;
    void request_shutdown(bool graceful) noexcept override;
    protocol::CertificateRefresh refresh_certificates() override;
    void change_clock(const protocol::ClockChange& change) noexcept override;

  private:
    static constexpr std::size_t counts = lib::Counters<protocol::Count>::size;
    static constexpr std::size_t class_counts = lib::Counters<protocol::ClassCount>::size;

    void buffer_stats(protocol::StatVisitor visit) const;
    std::uint64_t sum(protocol::Count name) const noexcept;
    std::uint64_t sum(unsigned size_class, protocol::ClassCount name) const noexcept;

    const Options& options_;
    storage::Store& store_;
    ConnectionLimit& limit_;
    Log& log_;
    protocol::Settings settings_;
    const protocol::PrefixStats& prefixes_;
    protocol::EvictionTeller evictions_;
    Rest rest_;
    std::int64_t port_;
    std::atomic<std::int64_t> udp_port_{0};
    storage::Tick started_ = storage::first_tick;
    std::atomic<std::int64_t> verbosity_;
    // What the counters were at the last `stats reset`.
    std::array<std::atomic<std::uint64_t>, counts> base_{};
    std::array<std::array<std::atomic<std::uint64_t>, class_counts>, storage::size_class_limit>
        class_base_{};
};

}  // namespace twincached::app
