// The server: builds everything in one order and takes it down in the other.
//
//     start: sink -> store -> replicator -> (when it says ready) client ports
//     stop:  client ports -> sessions at their request boundaries -> replicator's last changes
//            -> threads -> (the memory file, if there is one) -> store
//
// Owned by main, whose thread is the control thread: signals, acceptors, timers.
#pragma once

#include "app/listeners/acceptor.hpp"
#include "app/listeners/connection_limit.hpp"
#include "app/listeners/datagram_socket.hpp"
#include "app/options/options.hpp"
#include "app/process/certificates.hpp"
#include "app/process/log.hpp"
#include "app/process/maintenance.hpp"
#include "app/process/password_files.hpp"
#include "app/process/system_clock.hpp"
#include "app/reload.hpp"
#include "app/reports/server_service.hpp"
#include "app/restart/memory_file.hpp"
#include "app/sessions/client_tls.hpp"
#include "app/sessions/io_pool.hpp"
#include "replication/replicator.hpp"
#include "storage/store.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace twincached::app {

class Server {
  public:
    // Binds the client ports, opens nothing. Throws what a person should read. All arguments must
    // outlive it.
    Server(const Options& options, const Certificates& certificates, Log& log,
           Reload::ReadAgain read_again);
    ~Server();

    // Blocks until a signal or a client ends the server. `started` is called once all that can
    // fail at start-up has succeeded; `abandon` before the process ends at once, on the second
    // signal.
    void run(const std::function<void()>& started, std::function<void()> abandon);

  private:
    enum class State : std::uint8_t { starting, serving, draining_clients, draining_link, ended };

    replication::Events replication_events();
    void build_store();
    void recall_items();
    void save_items();
    void open_client_ports();
    void set_access(replication::Access access);
    void open_datagram_ports();
    void write_port_file() const;
    protocol::CertificateRefresh refresh_certificates();
    lib::Parsed<void> reload_certificates();
    void warn_of_expiry(const lib::TlsContext* certificate);
    void join_reload();
    void await_signal();
    void on_signal(int signal);
    void stop(std::string_view reason);
    void await_last_client();
    void drain_link();
    void end();

    const Options& options_;
    std::vector<DatagramAddress> datagram_addresses_;
    const Certificates certificates_;  // as they were at the start
    Log& log_;
    boost::asio::io_context control_{1};
    SystemClock clock_;
    ConnectionLimit limit_;
    std::unique_ptr<MemoryFile> memory_file_;  // null: items do not survive a restart
    Reload reload_;
    // In the order of start-up; destroyed in the other.
    std::unique_ptr<replication::Replicator> replicator_;
    std::unique_ptr<storage::Store> store_;
    std::unique_ptr<ServerService> service_;
    std::unique_ptr<PasswordFiles> passwords_;
    std::unique_ptr<ClientTls> client_tls_;  // null: none
    std::unique_ptr<IoPool> pool_;
    std::unique_ptr<Acceptor> acceptor_;
    std::unique_ptr<Maintenance> maintenance_;

    boost::asio::signal_set signals_;
    boost::asio::steady_timer stop_timer_;
    std::chrono::steady_clock::time_point stop_deadline_;
    std::function<void()> abandon_;
    std::thread link_drain_;
    State state_ = State::starting;
    replication::Access access_ = replication::Access::open;
};

}  // namespace twincached::app
