// Where clients find this server: its TCP, unix and UDP sockets. They are bound first of all, so
// that a taken port ends the start before anything else is touched; they are opened when the node
// may serve, and may be shut and opened again while it runs (rule of the split, `on-split`).
//
//     bind_ports -> ClientPorts -> open -> [set_access]* -> close
//
// Owned by the server, used by the control thread; `acceptor()` is for reports, on any thread.
#pragma once

#include "app/listeners/acceptor.hpp"
#include "app/listeners/datagram_socket.hpp"
#include "app/options/options.hpp"
#include "app/sessions/io_pool.hpp"
#include "replication/replicator.hpp"

#include <string>
#include <vector>

namespace twincached::app {

// Bound, not open: clients are refused.
struct BoundPorts {
    std::vector<ListeningSocket> listeners;
    std::vector<PlaceAddress> datagrams;
    std::vector<std::string> absent;  // what cannot be had now: a line for the log each
};
// Throws std::system_error or std::runtime_error with a sentence.
BoundPorts bind_ports(const Options& options);

class ClientPorts {
  public:
    // All must outlive it.
    struct Parts {
        const Options& options;
        boost::asio::io_context& control;
        IoPool& pool;  // to which clients are dealt
        ConnectionLimit& limit;
        Log& log;
    };
    ClientPorts(const Parts& parts, BoundPorts ports);

    const Acceptor& acceptor() const noexcept { return acceptor_; }

    // Once. Throws std::system_error. REQUIRES: the pool was started.
    void open();
    // What clients may do from now on; whether they may change something is not decided here.
    // REQUIRES: open() was called, close() was not.
    void set_access(replication::Access access);
    // For good: no further client comes in.
    void close() noexcept { acceptor_.close(); }

  private:
    void open_datagram_ports();
    void write_port_file() const;

    const Options& options_;
    IoPool& pool_;
    Log& log_;
    std::vector<PlaceAddress> datagrams_;
    Acceptor acceptor_;
    replication::Access access_ = replication::Access::open;
};

}  // namespace twincached::app
