// What the driver asks the system about addresses: names to addresses, and which own address
// leads to the peer. One of the driver's files: it knows Asio. Blocking; start-up only, but for
// the pure helpers.
#pragma once

#include "replication/pair/link/node_identity.hpp"
#include "replication/replicator.hpp"

#include <boost/asio/ip/address.hpp>

#include <optional>
#include <string>
#include <vector>

namespace twincached::replication::pair {

using Addresses = std::vector<boost::asio::ip::address>;

// An IPv4 address that arrived mapped into IPv6 becomes itself again.
boost::asio::ip::address plain(const boost::asio::ip::address& address);
// "1.2.3.4:5" or "[::1]:5".
std::string text_of(const boost::asio::ip::address& address, std::uint16_t port);

// Empty, "*", "0.0.0.0" and "::" mean all interfaces: nothing.
std::optional<boost::asio::ip::address> specific_listen_address(const Options& options);

// Empty if the name does not resolve now.
Addresses resolve_now(const std::string& host);

// Which of the pair's nodes this is: see identify_node. Throws std::invalid_argument.
unsigned find_node(const Options& options, const Addresses& peer);

}  // namespace twincached::replication::pair
