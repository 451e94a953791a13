#include "app/listeners/datagram_socket.hpp"

#include "app/addresses/endpoint.hpp"
#include "app/process/descriptor.hpp"

#include <fmt/format.h>

#include <netinet/in.h>

#include <cerrno>
#include <system_error>

namespace twincached::app {
namespace {

// Throws std::system_error.
Descriptor bind_datagram(const PlaceAddress& to, bool shares_port) {
    constexpr int flags = SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC;
    Descriptor descriptor(::socket(to.address.ss_family, flags, 0));
    const int on = 1;
    const bool is_ready =
        descriptor.get() >= 0 &&
        (to.address.ss_family != AF_INET6 ||
         ::setsockopt(descriptor.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) == 0) &&
        (!shares_port ||
         ::setsockopt(descriptor.get(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) == 0) &&
        (!to.is_early || allow_early_bind(descriptor.get(), to.address.ss_family)) &&
        ::bind(descriptor.get(), reinterpret_cast<const sockaddr*>(&to.address), to.size) == 0;
    if (!is_ready) {
        throw std::system_error(errno, std::generic_category(), "failed to listen on UDP");
    }
    return descriptor;
}

}  // namespace

DatagramPlaces datagram_places(const ListenerOptions& options) {
    DatagramPlaces result;
    if (options.udp_port == 0 || !options.unix_socket.empty()) return result;
    const auto port = static_cast<std::uint16_t>(options.udp_port < 0 ? 0 : options.udp_port);
    ListenerPlaces places(SOCK_DGRAM, [&](const PlaceAddress& place) {
        bind_datagram(place, false);
        result.addresses.push_back(place);
    });
    const auto option = fmt::format("udp-port (-U) {}", options.udp_port);
    if (options.listen.empty()) places.add(option, "", port);
    for (const auto& text : options.listen) {
        const auto listener = parse_listener(text);  // checked when it was read
        const auto& endpoint = listener->endpoint;
        // As in memcached, a port that stands with an address is for TCP and UDP alike.
        places.add(fmt::format("{}, listen (-l) {}", option, text), endpoint.host,
                   endpoint.port.value_or(port));
    }
    result.absent = places.finish();
    return result;
}

std::vector<int> open_datagram_sockets(PlaceAddress& address, std::size_t count) {
    std::vector<Descriptor> sockets;
    for (std::size_t i = 0; i < count; ++i) {
        sockets.push_back(bind_datagram(address, true));
        if (i > 0) continue;
        address.size = sizeof address.address;
        ::getsockname(sockets.front().get(), reinterpret_cast<sockaddr*>(&address.address),
                      &address.size);
    }
    std::vector<int> descriptors;
    descriptors.reserve(sockets.size());
    for (auto& socket : sockets)
        descriptors.push_back(socket.release());
    return descriptors;
}

}  // namespace twincached::app
