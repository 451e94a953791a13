#include "app/server.hpp"

#include "app/options/replication_options.hpp"
#include "app/process/service_notification.hpp"

#include <fmt/format.h>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>

#include <netinet/in.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <utility>

namespace twincached::app {
namespace {

namespace asio = boost::asio;
using std::chrono::milliseconds;

constexpr milliseconds drain_look{5};

storage::StoreOptions store_options(const Options& options) {
    storage::StoreOptions result;
    result.memory_limit_bytes = options.memory_limit_bytes;
    result.evict = options.evictions;
    result.item_size_limit_bytes = options.item_size_limit_bytes;
    result.threads = static_cast<unsigned>(options.threads);
    if (options.huge_pages) result.pages = storage::PageSize::huge;
    result.growth_factor = options.growth_factor;
    result.chunk_size_min = static_cast<std::uint32_t>(options.chunk_size);
    return result;
}

Severity severity_of(replication::LogLevel level) noexcept {
    switch (level) {
        case replication::LogLevel::debug:
            return Severity::debug;
        case replication::LogLevel::info:
            return Severity::info;
        case replication::LogLevel::warning:
            return Severity::warning;
        case replication::LogLevel::error:
            return Severity::error;
    }
    return Severity::info;
}

std::string_view name_of(int signal) noexcept {
    switch (signal) {
        case SIGTERM:
            return "SIGTERM";
        case SIGINT:
            return "SIGINT";
        case SIGUSR1:
            return "SIGUSR1";
        default:
            return "signal";
    }
}

std::chrono::seconds whole_seconds(milliseconds duration) noexcept {
    return std::chrono::ceil<std::chrono::seconds>(duration);
}

}  // namespace

Server::Server(const Options& options, const Certificates& certificates, Log& log,
               Reload::ReadAgain read_again)
    : options_(options),
      datagram_addresses_(datagram_addresses(options)),
      certificates_(certificates),
      log_(log),
      limit_(static_cast<std::uint64_t>(options.connections)),
      reload_(options, std::move(read_again), log),
      signals_(control_, SIGTERM, SIGINT, SIGHUP),
      stop_timer_(control_) {
    signals_.add(SIGUSR1);
    limit_.addresses().set_most(static_cast<std::uint64_t>(options.connections_per_address));
    join_reload();
    auto listeners = bind_listeners(options);
    build_store();
    if (!options.memory_file.empty()) recall_items();
    service_ = std::make_unique<ServerService>(options, *store_, limit_, log);
    auto& shared = service_->shared();
    passwords_ =
        std::make_unique<PasswordFiles>(&shared.login_credentials, &shared.sasl_credentials);
    passwords_->load(options);
    if (certificates.clients) {
        client_tls_ = std::make_unique<ClientTls>(
            certificates.clients, options.tls_write_buffer_bytes, clock_.now().tick(), log);
    }
    if (const auto* gate = replicator_->ack_gate()) {
        service_->set_confirmation(gate->is_required() ? protocol::Confirmation::of_each_change
                                                       : protocol::Confirmation::of_bursts);
    }
    const IoPoolOptions pool{static_cast<std::size_t>(options.threads),
                             whole_seconds(options.idle_timeout),
                             whole_seconds(options.write_timeout),
                             whole_seconds(options.request_timeout),
                             whole_seconds(options.tls_handshake_timeout),
                             client_tls_.get(),
                             options.buffer_memory_bytes,
                             replicator_->ack_gate()};
    pool_ =
        std::make_unique<IoPool>(pool, *service_, clock_, limit_, [this] { acceptor_->on_room(); });
    acceptor_ = std::make_unique<Acceptor>(
        control_, std::move(listeners), [this](const NewClient& client) { pool_->deal(client); },
        limit_,
        AcceptorOptions{static_cast<int>(options.backlog), options.reject_fast,
                        *parse_networks(options.proxies)},
        log);
    maintenance_ = std::make_unique<Maintenance>(*store_, clock_);
    const auto shut_down = [this](bool) {
        asio::post(control_, [this] { stop("a client's shutdown command"); });
    };
    service_->connect({pool_.get(), acceptor_.get(), replicator_.get(), &clock_, client_tls_.get(),
                       shut_down, [this] { return refresh_certificates(); }});
    if (!acceptor_->sockets().empty() && options.unix_socket.empty()) {
        service_->set_port(acceptor_->sockets().front().port());
    }
}

Server::~Server() {
    if (link_drain_.joinable()) link_drain_.join();
    maintenance_->stop();
    pool_->stop();
    replicator_->stop();
    acceptor_.reset();
}

void Server::build_store() {
    auto stored = store_options(options_);
    auto replication = replication_options(options_);
    replication.tls = certificates_.link;
    store_.reset();
    replicator_ = replication::make_replicator(replication, replication_events(),
                                               storage::planned_shard_count(stored));
    stored.node = replicator_->node();
    store_ = std::make_unique<storage::Store>(stored, lib::KeyedHash(replication.secret),
                                              replicator_->sink());
}

// The node's own clock goes on from where it stood, and so every expiry keeps its meaning.
void Server::recall_items() {
    memory_file_ =
        std::make_unique<MemoryFile>(options_.memory_file, options_.memory_file_timeout, log_);
    const auto clocks = clock_.reading();
    const auto saved = memory_file_->open(clocks);
    if (!saved) return;
    clock_.go_on_from(saved->header.steady_ms + saved->away_ms, clocks);
    if (!memory_file_->load(*saved, {*store_, *replicator_}, clock_.now())) build_store();
}

// The file may take its time; the service manager is asked for it.
void Server::save_items() {
    using std::chrono::microseconds;
    notify_service_manager(
        fmt::format("EXTEND_TIMEOUT_USEC={}", microseconds(options_.memory_file_timeout).count()));
    replicator_->stop();
    maintenance_->stop();
    memory_file_->save({*store_, *replicator_}, clock_.reading(), clock_.now());
}

replication::Events Server::replication_events() {
    replication::Events events;
    events.log = [this](replication::LogLevel level, std::string_view line) {
        log_.write(severity_of(level), line);
    };
    events.ready = [this] { asio::post(control_, [this] { open_client_ports(); }); };
    events.access = [this](replication::Access access) {
        asio::post(control_, [this, access] { set_access(access); });
    };
    events.now = [this] { return clock_.now(); };
    return events;
}

void Server::run(const std::function<void()>& started, std::function<void()> abandon) {
    abandon_ = std::move(abandon);
    await_signal();
    pool_->start();
    maintenance_->start();
    replicator_->start(*store_);
    log_.info("twincached {} started: memory {} MiB, {} threads, replication {}",
              TWINCACHED_VERSION, options_.memory_limit_bytes >> 20, options_.threads,
              options_.driver);
    warn_of_expiry(certificates_.clients.get());
    warn_of_expiry(certificates_.link.get());
    if (certificates_.link) {
        log_.info("the link speaks TLS; this node's certificate has the fingerprint {}",
                  lib::fingerprint_text(certificates_.link->fingerprint()));
    }
    started();
    const auto work = asio::make_work_guard(control_);
    control_.run();
    log_.info("stopped");
}

void Server::open_client_ports() {
    if (state_ != State::starting) return;  // asked to stop before we were ready
    state_ = State::serving;
    open_datagram_ports();  // first: who finds the TCP port open may rely on UDP
    acceptor_->open();
    write_port_file();
    notify_service_manager("READY=1");
}

// Only a node that serves can be told otherwise. UDP, which promises nothing, goes on reading.
void Server::set_access(replication::Access access) {
    if (state_ != State::serving) return;
    service_->shared().read_only = access != replication::Access::open;
    const auto before = std::exchange(access_, access);
    if (access == replication::Access::closed) {
        acceptor_->shut();
        pool_->disconnect();
    } else if (before == replication::Access::closed) {
        acceptor_->open();
    }
}

void Server::open_datagram_ports() {
    for (auto& address : datagram_addresses_) {
        const auto sockets =
            open_datagram_sockets(address, static_cast<std::size_t>(options_.threads));
        const auto name = "udp" + local_end(sockets.front()).substr(3);
        log_.info("serving clients on {}", name);
        service_->set_udp_port(local_port(sockets.front()));
        pool_->serve_datagrams(sockets, name);
    }
}

// For test suites that start the server on any free port: memcached's convention.
void Server::write_port_file() const {
    const auto* path = std::getenv("MEMCACHED_PORT_FILENAME");
    if (path == nullptr) return;
    const auto unfinished = std::string(path) + ".lck";
    std::FILE* file = std::fopen(unfinished.c_str(), "we");
    if (file == nullptr) {
        log_.warning("cannot write {}", unfinished);
        return;
    }
    for (const auto& socket : acceptor_->sockets()) {
        if (socket.family() == AF_UNIX) continue;
        std::fprintf(file, "TCP %s: %u\n", socket.family() == AF_INET ? "INET" : "INET6",
                     static_cast<unsigned>(socket.port()));
    }
    for (const auto& address : datagram_addresses_) {
        // sin_port and sin6_port lie at the same place.
        const auto port = ntohs(reinterpret_cast<const sockaddr_in&>(address.address).sin_port);
        std::fprintf(file, "UDP %s: %u\n", address.address.ss_family == AF_INET ? "INET" : "INET6",
                     static_cast<unsigned>(port));
    }
    std::fclose(file);
    if (std::rename(unfinished.c_str(), path) != 0) log_.warning("cannot write {}", path);
}

// By a signal or a client's command; any thread.
protocol::CertificateRefresh Server::refresh_certificates() {
    if (!certificates_.clients && !certificates_.link) return {};
    const auto loaded = reload_certificates();
    if (loaded) {
        log_.info("the certificates were read again");
        return {true};
    }
    log_.error("the certificates in use stay: {}", loaded.error());
    return {true, loaded.error()};
}

// The link's first: clients get nothing new while it has an error.
lib::Parsed<void> Server::reload_certificates() {
    std::shared_ptr<const lib::TlsContext> link;
    if (certificates_.link) {
        auto loaded = lib::TlsContext::load(certificates_.link->settings());
        if (loaded.has_error()) return loaded.error();
        link = std::move(*loaded);
        warn_of_expiry(link.get());
    }
    if (client_tls_) {
        const auto loaded = client_tls_->reload(clock_.now().tick());
        if (loaded.has_error()) return loaded.error();
    }
    if (link) replicator_->use_tls(std::move(link));
    return {};
}

void Server::warn_of_expiry(const lib::TlsContext* certificate) {
    if (certificate == nullptr) return;
    const auto warning = expiry_warning(*certificate, clock_.now().unix_seconds);
    if (warning) log_.warning("{}", *warning);
}

void Server::join_reload() {
    reload_.join([this](const Options& before, const Options& after) {
        if (before.verbosity == after.verbosity) return;
        service_->set_verbosity(static_cast<unsigned>(after.verbosity));
    });
    reload_.join([this](const Options&, const Options& after) {
        const auto most = static_cast<std::uint64_t>(after.connections_per_address);
        limit_.addresses().set_most(most);
    });
    reload_.join([this](const Options&, const Options& after) { passwords_->reload(after, log_); });
    reload_.join([this](const Options&, const Options&) { refresh_certificates(); });
    reload_.join([this](const Options& before, const Options& after) {
        if (before.on_split != after.on_split) replicator_->set_on_split(on_split_policy(after));
    });
}

void Server::await_signal() {
    signals_.async_wait([this](const boost::system::error_code& error, int signal) {
        if (error) return;
        on_signal(signal);
        await_signal();
    });
}

void Server::on_signal(int signal) {
    if (signal == SIGHUP) {
        log_.reopen();
        log_.info("the log was opened anew on SIGHUP");
        return reload_.run();
    }
    if (state_ == State::starting || state_ == State::serving) return stop(name_of(signal));
    log_.warning("a second signal: ending at once");
    abandon_();
    std::_Exit(0);
}

void Server::stop(std::string_view reason) {
    if (state_ != State::starting && state_ != State::serving) return;
    log_.info("stopping on {}: {} clients are connected", reason, limit_.current());
    notify_service_manager("STOPPING=1");
    state_ = State::draining_clients;
    stop_deadline_ = std::chrono::steady_clock::now() + options_.stop_timeout;
    acceptor_->close();
    pool_->drain();
    await_last_client();
}

void Server::await_last_client() {
    if (limit_.current() == 0) return drain_link();
    if (std::chrono::steady_clock::now() >= stop_deadline_) {
        log_.warning("{} clients were in the middle of a request for {} ms: closed",
                     limit_.current(), options_.stop_timeout.count());
        return drain_link();
    }
    stop_timer_.expires_after(drain_look);
    stop_timer_.async_wait([this](const boost::system::error_code& error) {
        if (!error) await_last_client();
    });
}

// On a thread of its own, because it blocks and a second signal must still be heard.
void Server::drain_link() {
    state_ = State::draining_link;
    pool_->stop();
    link_drain_ = std::thread([this] {
        replicator_->drain();
        if (memory_file_) save_items();
        asio::post(control_, [this] { end(); });
    });
}

void Server::end() {
    state_ = State::ended;
    link_drain_.join();
    replicator_->stop();
    maintenance_->stop();
    control_.stop();
}

}  // namespace twincached::app
