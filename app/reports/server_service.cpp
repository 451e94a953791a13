#include "app/reports/server_service.hpp"

#include "app/process/privileges.hpp"
#include "app/reports/connection_report.hpp"
#include "app/reports/settings_report.hpp"
#include "lib/numbers.hpp"

#include <fmt/format.h>

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>

namespace twincached::app {
namespace {

protocol::Settings settings_from(const Options& options) {
    protocol::Settings settings;
    settings.requests_per_event = static_cast<std::uint32_t>(options.requests_per_event);
    settings.item_size_limit_bytes = options.item_size_limit_bytes;
    settings.cas_enabled = options.cas;
    settings.flush_enabled = options.flush_all;
    settings.dump_enabled = options.dumps;
    settings.shutdown_enabled = options.shutdown;
    settings.watch_enabled = options.watch;
    settings.test_commands = options.test_commands;
    settings.track_sizes = options.reported.at("track_sizes") == "yes";
    const auto& delimiter = options.reported.at("prefix-delimiter");
    if (!delimiter.empty()) settings.prefix_delimiter = delimiter.front();
    settings.ascii = options.protocol != "binary";
    settings.binary = options.protocol != "ascii";
    settings.sasl_required = options.sasl;
    settings.login_required = !options.auth_file.empty();
    return settings;
}

// Room for a few lines at least.
constexpr std::size_t watch_buffer_kib_least = 8;

std::int64_t unix_microseconds() noexcept {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::microseconds>(now).count();
}

std::string seconds_text(const timeval& time) {
    return fmt::format("{}.{:06}", time.tv_sec, time.tv_usec);
}

// What counts since the last `stats reset`.
std::uint64_t since(std::uint64_t sum, const std::atomic<std::uint64_t>& base) noexcept {
    return sum - base.load(std::memory_order_relaxed);
}

}  // namespace

ServerService::ServerService(const Options& options, storage::Store& store, ConnectionLimit& limit,
                             Log& log)
    : options_(options),
      store_(store),
      limit_(limit),
      log_(log),
      settings_(settings_from(options)),
      prefixes_(shared().observation.prefixes),
      evictions_(shared().observation.watch_log),
      port_(options.port),
      verbosity_(options.verbosity) {
    shared().size_classes =
        storage::SizeClasses(options.growth_factor, static_cast<std::uint32_t>(options.chunk_size));
    // Whoever names a delimiter wants statistics by prefix (memcached's -D).
    shared().observation.prefixes.set_enabled(!options.reported.at("prefix-delimiter").empty());
    shared().observation.watch_log.set_clock(unix_microseconds);
    const auto kib = lib::parse_number<std::size_t>(options.reported.at("watcher_logbuf_size"));
    shared().observation.watch_log.set_buffer_bytes(
        std::max(kib.value_or(0), watch_buffer_kib_least) * 1024);
    store.set_eviction_listener(&evictions_);
    if (options.hot_keys) shared().observation.hot_keys.set_enabled(true);
    shared().reported.enable_crawler(options.reported.at("lru_crawler") == "yes");
}

std::string_view ServerService::version() const noexcept {
    return "1.6.45 twincached/" TWINCACHED_VERSION;
}

std::uint64_t ServerService::sum(protocol::Count name) const noexcept {
    std::uint64_t sum = 0;
    rest_.pool->visit_counters(
        [&](const protocol::ThreadCounters& counters) { sum += counters.totals.get(name); });
    return sum;
}

std::uint64_t ServerService::sum(unsigned size_class, protocol::ClassCount name) const noexcept {
    std::uint64_t sum = 0;
    rest_.pool->visit_counters([&](const protocol::ThreadCounters& counters) {
        sum += counters.classes[size_class].get(name);
    });
    return sum;
}

std::uint64_t ServerService::total(protocol::Count name) const noexcept {
    return since(sum(name), base_[static_cast<std::size_t>(name)]);
}

std::uint64_t ServerService::total(unsigned size_class, protocol::ClassCount name) const noexcept {
    return since(sum(size_class, name), class_base_[size_class][static_cast<std::size_t>(name)]);
}

void ServerService::reset_counters() noexcept {
    for (std::size_t i = 0; i < counts; ++i) {
        base_[i].store(sum(static_cast<protocol::Count>(i)), std::memory_order_relaxed);
    }
    for (unsigned id = 0; id < storage::size_class_limit; ++id) {
        for (std::size_t i = 0; i < class_counts; ++i) {
            class_base_[id][i].store(sum(id, static_cast<protocol::ClassCount>(i)),
                                     std::memory_order_relaxed);
        }
    }
    limit_.reset_counts();
}

void ServerService::process_stats(protocol::StatVisitor visit) const {
    const auto say = [&](std::string_view key, const auto& value) {
        visit(key, fmt::format("{}", value));
    };
    const auto now = rest_.clock->now();
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    say("pid", ::getpid());
    say("uptime", now.tick() - started_);
    say("time", now.unix_seconds);
    say("pointer_size", 8 * sizeof(void*));
    say("rusage_user", seconds_text(usage.ru_utime));
    say("rusage_system", seconds_text(usage.ru_stime));
    say("max_connections", limit_.most());
    say("curr_connections", limit_.current());
    say("total_connections", limit_.accepted());
    say("rejected_connections", limit_.rejected());
    say("connection_structures", limit_.current());
    say("threads", options_.threads);
    say("accepting_conns", rest_.acceptor->is_accepting() ? 1 : 0);
    say("listen_disabled_num", rest_.acceptor->times_disabled());
    say("time_in_listen_disabled_us", rest_.acceptor->disabled_us());
    say("reserved_fds", reserved_descriptors(options_));
    buffer_stats(visit);
    if (options_.idle_timeout.count() > 0) {
        say("idle_kicks", total(protocol::Count::idle_kicks));
    }
    say("rejected_per_address", limit_.addresses().rejected());
    say("request_timeouts", total(protocol::Count::request_timeouts));
    say("write_timeouts", total(protocol::Count::write_timeouts));
    say("proxied_connections", rest_.acceptor->reception().introduced());
    say("proxy_header_errors", rest_.acceptor->reception().failed());
    if (rest_.tls != nullptr) {
        say("ssl_new_sessions", total(protocol::Count::tls_sessions));
        say("ssl_handshake_errors", total(protocol::Count::tls_handshake_errors));
        say("ssl_proto_errors", total(protocol::Count::tls_protocol_errors));
        say("time_since_server_cert_refresh",
            now.tick() - std::min(now.tick(), rest_.tls->refreshed_at()));
    }
}

// What the threads' sessions hold between their turns, and the buffer that each thread's sessions
// share in them.
void ServerService::buffer_stats(protocol::StatVisitor visit) const {
    std::uint64_t requests = 0;
    std::uint64_t request_bytes = 0;
    std::uint64_t answers = 0;
    std::uint64_t answer_bytes = 0;
    rest_.pool->visit_counters([&](const protocol::ThreadCounters& counters) {
        requests += counters.memory.requests();
        request_bytes += counters.memory.request_bytes();
        answers += counters.memory.answers();
        answer_bytes += counters.memory.answer_bytes_held();
    });
    const auto threads = static_cast<std::uint64_t>(options_.threads);
    const auto shared_bytes = threads * SessionBuffers::read_size;
    const auto say = [&](std::string_view key, std::uint64_t value) {
        visit(key, fmt::format("{}", value));
    };
    say("response_obj_count", answers);
    say("response_obj_bytes", answer_bytes);
    say("read_buf_count", requests + threads);
    say("read_buf_bytes", request_bytes + shared_bytes);
    say("read_buf_bytes_free", shared_bytes);
}

void ServerService::settings_stats(protocol::StatVisitor visit) const {
    const auto flushed = store_.last_flush();
    const SettingsState state{
        store_.memory_limit(),  verbosity_.load(), port_, flushed - std::min(flushed, started_),
        prefixes_.is_enabled(), udp_port_.load()};
    const auto& reported = shared().reported;
    report_settings(options_, state, [&](std::string_view key, std::string_view value) {
        const auto asked_for = reported.get(key);
        visit(key, asked_for ? std::string_view(*asked_for) : value);
    });
}

void ServerService::connection_stats(protocol::StatVisitor visit) const {
    report_connections(*rest_.acceptor, *rest_.pool, rest_.clock->now().tick(), visit);
}

void ServerService::replication_stats(protocol::StatVisitor visit) const {
    rest_.replicator->stats(visit);
}

void ServerService::set_verbosity(unsigned level) noexcept {
    verbosity_ = level;
    log_.set_verbosity(level);
}

protocol::CertificateRefresh ServerService::refresh_certificates() {
    return rest_.refresh_certificates();
}

void ServerService::change_clock(const protocol::ClockChange& change) noexcept {
    using Kind = protocol::ClockChange::Kind;
    switch (change.kind) {
        case Kind::move:
            return rest_.clock->move(change.seconds);
        case Kind::pause:
            return rest_.clock->pause();
        case Kind::resume:
            return rest_.clock->resume();
    }
}

void ServerService::request_shutdown(bool graceful) noexcept {
    rest_.shutdown(graceful);
}

}  // namespace twincached::app
