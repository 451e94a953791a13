// A connection that twinctl makes to a node: blocking, with a deadline for each step; encrypted if
// its address says so, and then the node has shown who it is before the first byte of a request.
// Bytes alone; what is spoken over it, its owner knows. One owner, one thread.
#pragma once

#include "app/process/descriptor.hpp"
#include "lib/input/endpoint.hpp"
#include "lib/result.hpp"
#include "lib/tls_stream.hpp"

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace twincached::app {

// Where a node is asked.
struct NodeAddress {
    NodeAddress() = default;  // no aggregate: Parsed could not tell it from its error

    std::string text;         // as people write it
    std::string unix_socket;  // a path, or a zero byte and a name; empty: TCP
    lib::Endpoint endpoint;
    std::string ca_file;  // who signs its certificate, PEM; empty: nothing is encrypted
    std::string token;    // what makes whoever asks the node's owner there; empty: none
};

// "host:port", or the whole path of a unix socket.
lib::Parsed<NodeAddress> parse_node_address(std::string_view text);

class NodeConnection {
  public:
    using Clock = std::chrono::steady_clock;

    // Every address that a name has is tried. The error is what the system says.
    static lib::Parsed<NodeConnection> to(const NodeAddress& node, Clock::time_point deadline);

    // What went wrong, or nothing.
    std::string send(std::string_view bytes, Clock::time_point deadline);
    // Whose process listens at this unix socket; 0: one in a container that we do not see into, or
    // the socket is none.
    pid_t process() const noexcept;
    // How many bytes came: 0 is the end.
    lib::Parsed<std::size_t> receive(std::span<char> room, Clock::time_point deadline);

  private:
    explicit NodeConnection(Descriptor socket) noexcept : socket_(std::move(socket)) {}

    std::string encrypt(const NodeAddress& node, Clock::time_point deadline);
    std::string send_outgoing(Clock::time_point deadline);
    lib::Parsed<std::size_t> receive_plaintext(std::span<char> room, Clock::time_point deadline);
    std::string send_raw(std::string_view bytes, Clock::time_point deadline);
    lib::Parsed<std::size_t> receive_raw(std::span<char> room, Clock::time_point deadline);
    std::string trouble_of_tls() const;

    Descriptor socket_;
    std::unique_ptr<lib::TlsStream> tls_;  // null: in the clear
};

}  // namespace twincached::app
