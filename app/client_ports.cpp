#include "app/client_ports.hpp"

#include "app/listeners/listener_options.hpp"
#include "app/process/tls_options.hpp"
#include "app/replication_options.hpp"
#include "app/sessions/session_options.hpp"

#include <fmt/format.h>

#include <netinet/in.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>

namespace twincached::app {

BoundPorts bind_ports(const Options& options) {
    const auto& wanted = options.get<ListenerOptions>();
    auto datagrams = datagram_places(wanted);
    auto listeners = bind_listeners(wanted, options.get<TlsOptions>().enabled);
    auto absent = std::move(listeners.absent);
    absent.insert(absent.end(), datagrams.absent.begin(), datagrams.absent.end());
    return {std::move(listeners.sockets), std::move(datagrams.addresses), std::move(absent)};
}

ClientPorts::ClientPorts(const Parts& parts, BoundPorts ports)
    : options_(parts.options),
      pool_(parts.pool),
      log_(parts.log),
      datagrams_(std::move(ports.datagrams)),
      acceptor_({parts.control, parts.limit, parts.log, pause_limit(parts.options)},
                parts.options.get<ListenerOptions>(), std::move(ports.listeners),
                [this](const NewClient& client) { pool_.deal(client); }) {
    for (const auto& line : ports.absent)
        log_.warning("{}", line);
}

void ClientPorts::open() {
    open_datagram_ports();  // first: who finds the TCP port open may rely on UDP
    acceptor_.open();
    write_port_file();
}

// UDP, which promises nothing, goes on reading.
void ClientPorts::set_access(replication::Access access) {
    const auto before = std::exchange(access_, access);
    if (access == replication::Access::closed) {
        acceptor_.shut();
        pool_.disconnect();
    } else if (before == replication::Access::closed) {
        acceptor_.open();
    }
}

void ClientPorts::open_datagram_ports() {
    for (auto& address : datagrams_) {
        const auto sockets = open_datagram_sockets(address, options_.get<SessionOptions>().threads);
        const auto name = "udp" + local_end(sockets.front()).substr(3);
        log_.info("serving clients on {}", name);
        pool_.serve_datagrams(sockets, {name, local_port(sockets.front())});
    }
}

// For test suites that start the server on any free port: memcached's convention.
void ClientPorts::write_port_file() const {
    const auto* path = std::getenv("MEMCACHED_PORT_FILENAME");
    if (path == nullptr) return;
    const auto unfinished = std::string(path) + ".lck";
    std::FILE* file = std::fopen(unfinished.c_str(), "we");
    if (file == nullptr) {
        log_.warning("the port file {} cannot be written", unfinished);
        return;
    }
    for (const auto& socket : acceptor_.sockets()) {
        if (socket.family() == AF_UNIX) continue;
        std::fprintf(file, "TCP %s: %u\n", socket.family() == AF_INET ? "INET" : "INET6",
                     static_cast<unsigned>(socket.port()));
    }
    for (const auto& address : datagrams_) {
        // sin_port and sin6_port lie at the same place.
        const auto port = ntohs(reinterpret_cast<const sockaddr_in&>(address.address).sin_port);
        std::fprintf(file, "UDP %s: %u\n", address.address.ss_family == AF_INET ? "INET" : "INET6",
                     static_cast<unsigned>(port));
    }
    // A disk that is full says so here at the latest.
    const bool is_written = std::ferror(file) == 0;
    if (std::fclose(file) != 0 || !is_written || std::rename(unfinished.c_str(), path) != 0)
        log_.warning("the port file {} cannot be put in its place", path);
}

}  // namespace twincached::app
