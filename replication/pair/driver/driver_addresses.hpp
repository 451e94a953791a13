// What the driver asks the system about addresses: which are its own, and which own address leads
// to the peer. One of the driver's files: it knows Asio. Names are the NameResolver's; only that of
// the link's own listener is asked for here, at the start. The rest does not block.
#pragma once

#include "lib/input/endpoint.hpp"
#include "lib/result.hpp"
#include "replication/pair/node_identity.hpp"
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

// What a name stands for, or the address itself; each once. Blocks for as long as the system's name
// service takes. The error is the reason, as the system words it.
lib::Parsed<Addresses> addresses_of(const std::string& host);

// Whether it is written as an address; else it is a name.
bool is_address(const std::string& host);

// Of these, the ones at which another node can answer: not this one's own link. `own`: where it
// listens; none: everywhere.
Addresses of_others(Addresses addresses, const LinkPlaces& places,
                    const std::optional<boost::asio::ip::address>& own);

// Which of the pair's nodes this is, as far as it can be told now: see identify_node.
lib::Parsed<unsigned> find_node(const std::string& configured, const LinkPlaces& places,
                                const std::optional<boost::asio::ip::address>& own,
                                const Addresses& peer);

// Of this machine, as its system calls it; empty: it does not say.
std::string own_host_name();

}  // namespace twincached::replication::pair
