#include "replication/pair/driver/driver_addresses.hpp"

#include "replication/pair/pair_options.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/udp.hpp>

#include <limits.h>
#include <unistd.h>

#include <algorithm>
#include <stdexcept>

namespace twincached::replication::pair {

namespace asio = boost::asio;
using asio::ip::address;

namespace {

// IPv4 as mapped IPv6, so that both nodes order the same two ends alike.
LinkEnd end_of(const address& at, std::uint16_t port) {
    const auto six =
        at.is_v4() ? asio::ip::make_address_v6(asio::ip::v4_mapped, at.to_v4()) : at.to_v6();
    const auto bytes = six.to_bytes();
    LinkEnd end;
    std::copy(bytes.begin(), bytes.end(), end.address.begin());
    end.port = port;
    return end;
}

// The address that the system would send from. Connecting a datagram socket sends nothing.
std::optional<address> own_address_towards(const address& peer) {
    asio::io_context context;
    asio::ip::udp::socket socket(context);
    boost::system::error_code error;
    const asio::ip::udp::endpoint there(peer, 9);
    socket.open(there.protocol(), error);
    if (!error) socket.connect(there, error);
    if (error) return std::nullopt;
    const auto here = socket.local_endpoint(error);
    if (error) return std::nullopt;
    return plain(here.address());
}

// Both nodes must compare addresses of one family: that of the listener, else IPv4 if the peer
// has such an address.
std::optional<address> peer_to_compare(const Addresses& peer, const std::optional<address>& own) {
    const auto of_family = [&](bool v4) {
        const auto found = std::find_if(peer.begin(), peer.end(),
                                        [v4](const address& one) { return one.is_v4() == v4; });
        return found == peer.end() ? std::nullopt : std::optional(*found);
    };
    if (own) return of_family(own->is_v4());
    const auto v4 = of_family(true);
    return v4 ? v4 : of_family(false);
}

// Whether a socket of this machine can have it now.
bool is_own(const address& at) {
    asio::io_context context;
    asio::ip::udp::socket socket(context);
    boost::system::error_code error;
    const asio::ip::udp::endpoint here(at, 0);
    socket.open(here.protocol(), error);
    if (!error) socket.bind(here, error);
    return !error;
}

}  // namespace

// ::ffff:10.0.0.1 and 10.0.0.1 are one address; people write the latter.
address plain(const address& at) {
    if (at.is_v6() && at.to_v6().is_v4_mapped()) {
        return asio::ip::make_address_v4(asio::ip::v4_mapped, at.to_v6());
    }
    return at;
}

std::string text_of(const address& at, std::uint16_t port) {
    const auto text = plain(at).to_string();
    return (plain(at).is_v6() ? "[" + text + "]" : text) + ":" + std::to_string(port);
}

// What is not said is taken from what is: the listener's host from the clients' one, a port from
// the default. REQUIRES: the options were checked.
LinkPlaces link_places(const Setup& setup) {
    const auto& options = setup.options.get<PairOptions>();
    LinkPlaces places;
    if (!options.peer.empty()) places.peer = *lib::parse_endpoint(options.peer);
    if (!places.peer.port) places.peer.port = static_cast<std::uint16_t>(options.peer_port);
    places.listen = *lib::parse_link_endpoint(options.link_listen);
    if (places.listen.host.empty()) places.listen.host = setup.clients_host;
    if (!places.listen.port)
        places.listen.port = lib::parse_link_endpoint(default_options().link_listen)->port;
    return places;
}

// By name or number, without asking a resolver.
bool is_loopback(const std::string& host) {
    boost::system::error_code no_address;
    const auto numeric = asio::ip::make_address(host, no_address);
    return no_address ? host == "localhost" : numeric.is_loopback();
}

std::string text_of(const lib::Endpoint& place) {
    const auto& host = place.host;
    const bool is_v6 = host.find(':') != std::string::npos;
    const auto shown = host.empty() ? "*" : is_v6 ? "[" + host + "]" : host;
    return shown + ":" + std::to_string(place.port.value_or(0));
}

// The link's own address, if it listens on a particular one. Resolves, and so may block: at the
// start.
std::optional<address> specific_address(const std::string& listen_host) {
    if (listen_host.empty()) return std::nullopt;
    const auto found = addresses_of(listen_host);
    if (found.has_error() || found->empty()) {
        throw std::invalid_argument("the link's listen address '" + listen_host +
                                    "' is neither an address nor a name that resolves");
    }
    // A name may stand for addresses of a family that this machine lacks, too.
    const auto own = std::find_if(found->begin(), found->end(), is_own);
    const auto& address = own == found->end() ? found->front() : *own;
    if (address.is_unspecified()) return std::nullopt;
    return address;
}

// Each once, in the resolver's order, which is the order of preference. Blocks as long as the
// resolver does: off the threads that serve.
lib::Parsed<Addresses> addresses_of(const std::string& host) {
    using Found = lib::Parsed<Addresses>;
    boost::system::error_code error;
    const auto numeric = asio::ip::make_address(host, error);
    if (!error) return Found(boost::system::in_place_value, Addresses{plain(numeric)});
    asio::io_context context;
    asio::ip::tcp::resolver resolver(context);
    const auto entries = resolver.resolve(host, "", error);
    if (error) return Found(boost::system::in_place_error, error.message());
    Addresses addresses;
    for (const auto& entry : entries) {
        const auto at = plain(entry.endpoint().address());
        if (std::find(addresses.begin(), addresses.end(), at) == addresses.end())
            addresses.push_back(at);
    }
    return Found(boost::system::in_place_value, std::move(addresses));
}

bool is_address(const std::string& host) {
    boost::system::error_code no_address;
    asio::ip::make_address(host, no_address);
    return !no_address;
}

// A name that stands for the pair resolves to the own address, too: whoever dialled that would meet
// itself. Only where the ports are the same, for else it is another process.
Addresses of_others(Addresses addresses, const LinkPlaces& places,
                    const std::optional<address>& own) {
    if (places.peer.port != places.listen.port) return addresses;
    std::erase_if(addresses, [&](const address& at) { return own ? at == *own : is_own(at); });
    return addresses;
}

// Which of the two this node is: as configured, or by comparing the two ends of the link, which
// both nodes see alike.
lib::Parsed<unsigned> find_node(const std::string& configured, const LinkPlaces& places,
                                const std::optional<address>& own, const Addresses& peer) {
    const auto there = peer_to_compare(peer, own);
    auto here = own;
    if (there && !here) here = own_address_towards(*there);
    std::optional<LinkEnd> own_end;
    std::optional<LinkEnd> peer_end;
    if (there && here) {
        own_end = end_of(*here, *places.listen.port);
        peer_end = end_of(*there, *places.peer.port);
    }
    return identify_node(configured, own_end, peer_end);
}

std::string own_host_name() {
    char name[HOST_NAME_MAX + 1] = "";
    if (::gethostname(name, sizeof name - 1) != 0) return {};
    return name;
}

}  // namespace twincached::replication::pair
