#include "app/reports/server_service.hpp"

#include "app/reports/connection_report.hpp"
#include "app/reports/process_figures.hpp"
#include "app/reports/settings_report.hpp"
#include "app/sessions/session_options.hpp"
#include "protocol/execution/login_gate.hpp"
#include "storage/store_options.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <chrono>

namespace twincached::app {
namespace {

protocol::Confirmation confirmation_of(replication::Replicator& replicator) noexcept {
    const auto* gate = replicator.ack_gate();
    if (gate == nullptr) return protocol::Confirmation::none;
    return gate->is_required() ? protocol::Confirmation::of_each_change
                               : protocol::Confirmation::of_bursts;
}

// Where clients find the server, if they do so by TCP.
std::int64_t first_port(const Options& options, const Acceptor& acceptor) {
    const auto& listeners = options.get<ListenerOptions>();
    if (acceptor.sockets().empty() || !listeners.unix_socket.empty()) return listeners.port;
    return acceptor.sockets().front().port();
}

protocol::Settings settings_of(const Options& options, replication::Replicator& replicator) {
    auto settings = options.get<protocol::Settings>();
    settings.confirmation = confirmation_of(replicator);
    return settings;
}

std::int64_t unix_microseconds() noexcept {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::microseconds>(now).count();
}

}  // namespace

ServerService::ServerService(const Parts& parts, Requests requests)
    : parts_(parts),
      requests_(std::move(requests)),
      sums_(parts.pool),
      settings_(settings_of(parts.options, parts.replicator)),
      evictions_(shared().observation.watch_log),
      port_(first_port(parts.options, parts.acceptor)),
      started_(parts.clock.now().tick()),
      verbosity_(parts.options.get<LogOptions>().verbosity),
      in_force_(std::make_shared<const Options>(parts.options)) {
    const auto& store = parts.options.get<storage::StoreOptions>();
    shared().size_classes = storage::SizeClasses(store.growth_factor, store.chunk_size_min);
    shared().arbiter = parts.replicator.arbiter();
    auto& observation = shared().observation;
    // Whoever names a delimiter wants statistics by prefix (memcached's -D).
    observation.prefixes.set_enabled(!settings_.prefix_delimiter.empty());
    observation.watch_log.set_clock(unix_microseconds);
    observation.watch_log.set_buffer_bytes(1024 *
                                           static_cast<std::size_t>(settings_.watcher_buffer_kib));
    parts.store.set_eviction_listener(&evictions_);
    if (settings_.hot_keys) observation.hot_keys.set_enabled(true);
    shared().reported.enable_crawler(settings_.crawler_enabled);
}

std::string_view ServerService::version() const noexcept {
    return "1.6.45 twincached/" TWINCACHED_VERSION;
}

void ServerService::reset_counters() noexcept {
    sums_.reset();
    parts_.limit.reset_counts();
}

protocol::LatencyTally ServerService::latencies() const {
    protocol::LatencyTally tally;
    parts_.pool.visit_counters(
        [&](const protocol::ThreadCounters& counters) { tally.add(counters.times); });
    return tally;
}

void ServerService::process_stats(protocol::StatVisitor visit) const {
    process_figures(
        [&](const lib::Figure& figure, std::string_view value) { visit(figure.name, value); });
}

void ServerService::process_figures(lib::FigureVisitor visit) const {
    ProcessFacts facts{
        .options = parts_.options,
        .limit = parts_.limit,
        .acceptor = parts_.acceptor,
        .tls = parts_.tls,
        .service = *this,
        .now = parts_.clock.now(),
        .started = started_,
        .held = HeldBuffers(parts_.pool),
        .usage = {},
    };
    ::getrusage(RUSAGE_SELF, &facts.usage);
    lib::visit_figures(process_rows(), facts, visit);
}

void ServerService::settings_stats(protocol::StatVisitor visit) const {
    const auto flushed = parts_.store.last_flush();
    const auto datagram_sockets = parts_.pool.datagram_sockets();
    const std::int64_t udp_port =
        datagram_sockets.empty() ? 0 : std::int64_t{datagram_sockets.back().name.port};
    const SettingsState state{parts_.store.memory_limit(),
                              verbosity_.load(),
                              port_,
                              flushed - std::min(flushed, started_),
                              shared().observation.prefixes.is_enabled(),
                              udp_port};
    const auto& reported = shared().reported;
    report_settings(*in_force(), state, [&](std::string_view key, std::string_view value) {
        const auto asked_for = reported.get(key);
        visit(key, asked_for ? std::string_view(*asked_for) : value);
    });
}

std::shared_ptr<const Options> ServerService::in_force() const {
    const lib::MutexLock lock(in_force_mutex_);
    return in_force_;
}

void ServerService::show(const Options& options) {
    auto copy = std::make_shared<const Options>(options);
    const lib::MutexLock lock(in_force_mutex_);
    in_force_.swap(copy);
}

std::uint64_t ServerService::connection_stats(std::uint64_t from,
                                              protocol::StatVisitor visit) const {
    if (from == 0) report_sockets(parts_.acceptor, parts_.pool, visit);
    return report_clients(parts_.acceptor, parts_.pool, parts_.clock.now().tick(), from, visit);
}

void ServerService::replication_stats(protocol::StatVisitor visit) const {
    parts_.replicator.stats(
        [&](const lib::Figure& figure, std::string_view value) { visit(figure.name, value); });
}

void ServerService::set_verbosity(unsigned level) noexcept {
    verbosity_ = level;
    parts_.log.set_verbosity(level);
}

protocol::CertificateRefresh ServerService::refresh_certificates() {
    return requests_.refresh_certificates();
}

void ServerService::note_shut_out(std::string_view host) noexcept {
    const auto left_out = shut_out_.due(parts_.clock.now().tick());
    if (!left_out) return;
    parts_.log.warning(
        "a client of {} was closed, its logins failed {} times ({} more clients "
        "since the last such line)",
        host, protocol::LoginGate::failures_limit, *left_out);
}

void ServerService::note_no_memory() noexcept {
    const auto left_out = without_memory_.due(parts_.clock.now().tick());
    if (!left_out) return;
    parts_.log.warning(
        "the system has no memory for a client, who is closed ({} more since the last such line)",
        *left_out);
}

void ServerService::change_clock(const protocol::ClockChange& change) noexcept {
    using Action = protocol::ClockChange::Action;
    switch (change.action) {
        case Action::move:
            return parts_.clock.move(change.seconds);
        case Action::pause:
            return parts_.clock.pause();
        case Action::resume:
            return parts_.clock.resume();
    }
}

// Every stop is a graceful one: clients end at their next boundary, within stop-timeout.
void ServerService::request_shutdown(bool) noexcept {
    requests_.stop();
}

}  // namespace twincached::app
