// The server: builds everything in one order, in which nobody has to be told afterwards of what
// was built later, and runs it. What a part needs to run, and not to exist, it gets at its start:
//
//     build:  ports bound -> node (replicator -> store -> items of the last run) -> TLS -> io pool
//             -> acceptor (deals to the pool) -> reports and requests (speak of all of these)
//             -> admin endpoint (tells of all of these)
//     start:  io pool (gets the service that its conversations ask) -> admin endpoint -> upkeep
//             -> replicator -> (when that says ready) client ports
//     stop:   stop_sequence.hpp
//
// Owned by main, whose thread is the control thread: signals, acceptors, timers.
#pragma once

#include "app/certificate_renewal.hpp"
#include "app/client_ports.hpp"
#include "app/endpoint/admin_endpoint.hpp"
#include "app/endpoint/node_phase.hpp"
#include "app/history/failover_history.hpp"
#include "app/listeners/connection_limit.hpp"
#include "app/logins/password_files.hpp"
#include "app/node.hpp"
#include "app/options/options.hpp"
#include "app/process/log.hpp"
#include "app/process/recent_lines.hpp"
#include "app/process/system_clock.hpp"
#include "app/reload.hpp"
#include "app/reports/server_service.hpp"
#include "app/secret_renewal.hpp"
#include "app/sessions/client_tls.hpp"
#include "app/sessions/io_pool.hpp"
#include "app/start_files.hpp"
#include "app/stop_sequence.hpp"
#include "app/watchdog.hpp"
#include "replication/replicator.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>

#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace twincached::app {

class Server {
  public:
    // Binds the client ports, opens nothing. Throws what a person should read. All arguments must
    // outlive it.
    Server(const Options& options, const StartFiles& files, Log& log, Reload::ReadAgain read_again);
    ~Server();

    // Blocks until a signal or a client ends the server. `started` is called once all that can
    // fail at start-up has succeeded; `abandon` before the process ends at once, on the second
    // signal. Throws std::system_error.
    void run(const std::function<void()>& started, std::function<void()> abandon);

  private:
    struct Signals : boost::asio::signal_set {
        explicit Signals(boost::asio::io_context& control);
    };

    replication::Events replication_events();
    ServerService::Parts service_parts();
    ServerService::Requests service_requests();
    void open_client_ports();
    void set_access(replication::Access access);
    void join_reload();
    void say_started();
    void begin_stop(std::string_view reason);
    void tell_service_manager();
    void await_signal();
    void on_signal(int signal);

    const Options& options_;
    const StartFiles& files_;  // as they were at the start
    Log& log_;
    boost::asio::io_context control_{1};
    Signals signals_;  // held back from here on, heard in run()
    SystemClock clock_;
    FailoverHistory history_;
    RecentLines link_lines_;  // what replication has logged
    ConnectionLimit limit_;
    // In the order of start-up; destroyed in the other. Each knows only what stands above it.
    BoundPorts bound_;  // until the ports have taken them over
    Node node_;
    AdminAccess admin_access_;
    const std::unique_ptr<ClientTls> client_tls_;  // null: none
    IoPool pool_;
    ClientPorts ports_;
    CertificateRenewal renewal_;
    SecretRenewal secrets_;
    ServerService service_;
    PasswordFiles passwords_;
    std::unique_ptr<protocol::SaslJudge> sasl_judge_;  // null: the passwords are ours
    StopSequence stop_;
    NodePhase phase_;
    AdminEndpoint endpoint_;
    Watchdog watchdog_;

    Reload reload_;
    std::function<void()> abandon_;
    boost::asio::steady_timer status_timer_{control_};
    std::string status_told_;  // to the service manager
    bool is_serving_ = false;  // the client ports were opened
};

}  // namespace twincached::app
