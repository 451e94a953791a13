#include "app/server.hpp"

#include "app/listeners/listener_options.hpp"
#include "app/logins/cyrus_sasl.hpp"
#include "app/process/insist.hpp"
#include "app/process/privileges.hpp"
#include "app/process/process_options.hpp"
#include "app/process/scheduling.hpp"
#include "app/process/service_notification.hpp"
#include "app/process/tls_options.hpp"
#include "app/replication_options.hpp"
#include "app/sessions/session_options.hpp"
#include "lib/allocation.hpp"
#include "replication/replication_options.hpp"
#include "storage/store_options.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>

#include <cassert>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <new>
#include <string_view>
#include <utility>

namespace twincached::app {
namespace {

namespace asio = boost::asio;

// How often the service manager is told how far a resync has come.
constexpr std::chrono::seconds status_period{1};

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

// As a RecentLine has it.
std::string_view word_of(replication::LogLevel level) noexcept {
    if (level == replication::LogLevel::error) return "error";
    return level == replication::LogLevel::warning ? "warning" : "info";
}

std::int64_t unix_ms_now() noexcept {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
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
            return "a signal";
    }
}

// Null where clients speak no TLS.
std::unique_ptr<ClientTls> client_tls_of(const Options& options, const Certificates& certificates,
                                         storage::Tick now, Log& log) {
    if (!certificates.clients) return nullptr;
    return std::make_unique<ClientTls>(certificates.clients, options.get<TlsOptions>(), now, log);
}

}  // namespace

Server::Server(const Options& options, const StartFiles& files, Log& log,
               Reload::ReadAgain read_again)
    : options_(options),
      files_(files),
      log_(log),
      signals_(control_),
      history_(options.get<EndpointOptions>().history_file, log),
      limit_(room_for_clients(
          {options.get<ListenerOptions>().connections, options.get<SessionOptions>().threads})),
      bound_(bind_ports(options)),
      node_({options, clock_, log}, replication_setup(options, files), replication_events()),
      admin_access_(files.certificates.admin, files.tokens, log),
      client_tls_(client_tls_of(options, files.certificates, clock_.now().tick(), log)),
      pool_({options.get<SessionOptions>(), pause_limit(options), client_tls_.get(),
             node_.replicator().ack_gate(), node_.replicator().arbiter()},
            clock_, limit_),
      ports_({options, control_, pool_, limit_, log}, std::move(bound_)),
      renewal_({node_.replicator(), client_tls_.get(), admin_access_, clock_, log},
               certificate_settings(options)),
      secrets_(node_.replicator(), log, files.secrets),
      service_(service_parts(), service_requests()),
      passwords_(&service_.shared().login_credentials, &service_.shared().sasl_credentials),
      stop_({control_, ports_, pool_, node_, limit_, log},
            options.get<ProcessOptions>().stop_timeout),
      endpoint_(options.get<EndpointOptions>(), admin_access_,
                {service_, node_.replicator(), clock_, phase_, history_, log, link_lines_}, log),
      watchdog_(control_),
      reload_(options, std::move(read_again), log) {
    limit_.addresses().set_most(options.get<ListenerOptions>().connections_per_address);
    passwords_.load(options.get<PasswordOptions>(), files.passwords);
    if (passwords_.leave_sasl_to_the_system(options.get<PasswordOptions>())) {
        sasl_judge_ = cyrus_sasl(cyrus_folders(), log);
        service_.shared().sasl_judge = sasl_judge_.get();
    }
    join_reload();
}

Server::Signals::Signals(asio::io_context& control)
    : asio::signal_set(control, SIGTERM, SIGINT, SIGHUP) {
    add(SIGUSR1);
}

// The threads end before anything goes that they may use.
Server::~Server() {
    pool_.stop();
    node_.stop();
}

// Called on the replication thread, lines of the log on others, too: what concerns the rest of the
// server is posted to the control thread, and done there.
replication::Events Server::replication_events() {
    replication::Events events;
    events.log = [this](replication::LogLevel level, std::string_view line) {
        log_.write(severity_of(level), line);
        if (level != replication::LogLevel::debug)
            link_lines_.add(unix_ms_now(), word_of(level), line);
    };
    events.ready = [this] {
        insist([this] { asio::post(control_, [this] { open_client_ports(); }); });
    };
    events.access = [this](replication::Access access) {
        insist([this, access] { asio::post(control_, [this, access] { set_access(access); }); });
    };
    events.role_changed = [this](const replication::RoleChange& change) {
        const auto at = unix_ms_now();
        insist([&] {
            asio::post(control_,
                       [this, failover = failover_at(at, change)] { history_.note(failover); });
        });
    };
    events.now = [this] { return clock_.now(); };
    // What it has not sent yet is lost with the node; in a resync clients go before it all the
    // same.
    events.thread_began = [] { ask_for_short_slices(std::chrono::microseconds(200)); };
    return events;
}

ServerService::Parts Server::service_parts() {
    return {options_,          node_.store(), node_.replicator(), clock_, limit_,
            client_tls_.get(), pool_,         ports_.acceptor(),  log_};
}

// A client's commands come in on its thread; a stop begins on the control thread, like a signal's.
ServerService::Requests Server::service_requests() {
    const auto begin = [this] { begin_stop("a client's shutdown command"); };
    const auto stop = [this, begin] { insist([&] { asio::post(control_, begin); }); };
    return {stop, [this] { return renewal_.refresh(); }};
}

// Threads before ports: when the first client is let in, everything that answers it runs.
void Server::run(const std::function<void()>& started, std::function<void()> abandon) {
    abandon_ = std::move(abandon);
    await_signal();
    pool_.start(service_);
    endpoint_.start();
    node_.start();
    watchdog_.start();
    say_started();
    started();
    tell_service_manager();
    const auto work = asio::make_work_guard(control_);
    // What found no memory, such as a reload, is not done; whoever waits goes on.
    for (;;) {
        try {
            control_.run();
            return log_.info("stopped");
        } catch (const std::bad_alloc&) {
            log_.error("the system has no memory for what was to be done: it is left undone");
        }
    }
}

// The lines that an operator looks for after a start, once everything that can fail has not.
void Server::say_started() {
    log_.info("twincached {} started: memory {} MiB, {} threads, replication {}",
              TWINCACHED_VERSION, options_.get<storage::StoreOptions>().memory_limit_bytes >> 20,
              options_.get<SessionOptions>().threads,
              options_.get<replication::ReplicationOptions>().driver);
    renewal_.warn_of_expiry(files_.certificates);
    const auto& link = files_.certificates.link;
    if (link && !link->settings().chain_file.empty()) {
        log_.info("the link speaks TLS; this node's certificate has the fingerprint {}",
                  lib::fingerprint_text(link->fingerprint()));
    }
}

// Only now is the unit started (Type=notify): what is ordered after it finds a node that is filled.
void Server::open_client_ports() {
    if (stop_.has_begun()) return;  // asked to stop before the node was ready
    is_serving_ = true;
    ports_.open();
    phase_.on_open();
    tell_service_manager();  // first, so that who waited for the unit is not shown how it was
    notify_service_manager("READY=1");
}

// What `systemctl status` shows, anew when it has changed. Nothing where nobody listens.
void Server::tell_service_manager() {
    if (std::getenv("NOTIFY_SOCKET") == nullptr) return;
    (void)lib::has_memory_for([this] {
        auto status = service_status(standing_of(
            {service_, node_.replicator(), clock_, phase_, history_, log_, link_lines_}));
        if (status != status_told_) notify_service_manager("STATUS=" + status);
        status_told_ = std::move(status);
    });
    status_timer_.expires_after(status_period);
    const auto again = [this](const boost::system::error_code& error) {
        if (!error) tell_service_manager();
    };
    insist([&] { status_timer_.async_wait(again); });
}

// A node that nobody was sent to has nobody to move.
void Server::begin_stop(std::string_view reason) {
    if (stop_.has_begun()) return;
    const auto pause =
        is_serving_ ? options_.get<ProcessOptions>().drain_pause : std::chrono::milliseconds(0);
    if (pause.count() > 0) (void)hand_over_role(node_.replicator());
    phase_.on_stopping();
    stop_.begin(reason, pause);
}

// Only a node that serves can be told otherwise.
void Server::set_access(replication::Access access) {
    if (!is_serving_ || stop_.has_begun()) return;
    service_.shared().read_only = access != replication::Access::open;
    ports_.set_access(access);
}

// Every name that a row gives in `reloaded_by`, and files that are read again whatever the options.
void Server::join_reload() {
    reload_.join("log", [this](const Options& before, const Options& after) -> lib::Parsed<void> {
        const auto verbosity = after.get<LogOptions>().verbosity;
        // A client's `verbosity` holds until the option itself changes.
        if (before.get<LogOptions>().verbosity != verbosity) {
            service_.set_verbosity(static_cast<unsigned>(verbosity));
        }
        return {};
    });
    reload_.join("connection limits", [this](const auto&, const auto& after) -> lib::Parsed<void> {
        limit_.addresses().set_most(after.template get<ListenerOptions>().connections_per_address);
        return {};
    });
    reload_.join("passwords", [this](const auto&, const auto& after) -> lib::Parsed<void> {
        passwords_.reload(after.template get<PasswordOptions>(), log_);
        return {};
    });
    reload_.join("certificates", [this](const auto&, const auto& after) {
        return renewal_.renew(certificate_settings(after));
    });
    reload_.join("secrets",
                 [this](const auto&, const auto& after) { return secrets_.renew(after); });
    reload_.join("tokens", [this](const auto&, const auto& after) {
        return admin_access_.renew(after.template get<EndpointOptions>());
    });
    reload_.join("replication", [this](const auto&, const auto& after) -> lib::Parsed<void> {
        auto taken = node_.replicator().reload({.options = &after.structs()});
        if (taken.has_error()) log_.error("{}", taken.error());
        return taken;
    });
    assert(reload_.missing_parts().empty());
}

void Server::await_signal() {
    const auto hear = [this](const boost::system::error_code& error, int signal) {
        if (error) return;
        await_signal();
        on_signal(signal);
    };
    insist([&] { signals_.async_wait(hear); });
}

// A first SIGTERM is a request, a second one an order.
void Server::on_signal(int signal) {
    if (signal == SIGHUP) {
        log_.reopen();
        reload_.run();
        return service_.show(reload_.running());
    }
    if (!stop_.has_begun()) return begin_stop(name_of(signal));
    log_.warning("a second signal came: this ends at once, and what is not sent or saved is lost");
    abandon_();
    std::_Exit(0);
}

}  // namespace twincached::app
