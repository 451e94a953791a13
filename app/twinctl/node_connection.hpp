// A connection that twinctl makes to a node: blocking, with a deadline for each step. Bytes alone;
// what is spoken over it, its owner knows. One owner, one thread.
#pragma once

#include "app/process/descriptor.hpp"
#include "lib/input/endpoint.hpp"
#include "lib/result.hpp"

#include <chrono>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace twincached::app {

// Where a node is asked.
struct NodeAddress {
    NodeAddress() = default;  // no aggregate: Parsed could not tell it from its error

    std::string text;         // as people write it
    std::string unix_socket;  // a path, or a zero byte and a name; empty: TCP
    lib::Endpoint endpoint;
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
    // How many bytes came: 0 is the end.
    lib::Parsed<std::size_t> receive(std::span<char> room, Clock::time_point deadline);

  private:
    explicit NodeConnection(Descriptor socket) noexcept : socket_(std::move(socket)) {}

    Descriptor socket_;
};

}  // namespace twincached::app
