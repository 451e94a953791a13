// What the driver asks the system about addresses: names to addresses, and which own address
// leads to the peer. One of the driver's files: it knows Asio. Blocking; start-up only, but for
// the pure helpers.
#pragma once

#include "lib/input/endpoint.hpp"
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

// The two ends of the link, as chosen: hosts may be names, ports are known.
struct LinkPlaces {
    lib::Endpoint peer;    // without a host: nobody to dial, and so nobody to accept
    lib::Endpoint listen;  // without a host: all interfaces
};
// A node whose clients find it at one address is found there by its peer, too: two nodes of one
// machine do not collide on the link's port, and the peer is called from the address it knows.
// REQUIRES: the options were found good.
LinkPlaces link_places(const Setup& setup);

// An address that no other machine can use; names are not resolved, but for "localhost".
bool is_loopback(const std::string& host);

// "host:port", "[::1]:port", "*:port".
std::string text_of(const lib::Endpoint& place);

// Empty, "0.0.0.0" and "::" mean all interfaces: nothing.
std::optional<boost::asio::ip::address> specific_address(const std::string& listen_host);

// Empty if the name does not resolve now.
Addresses resolve_now(const std::string& host);

// Which of the pair's nodes this is: see identify_node. Throws std::invalid_argument.
unsigned find_node(const std::string& configured, const LinkPlaces& places, const Addresses& peer);

}  // namespace twincached::replication::pair
