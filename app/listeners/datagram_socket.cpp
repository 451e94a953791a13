#include "app/listeners/datagram_socket.hpp"

#include "app/addresses/endpoint.hpp"
#include "app/listeners/listening_socket.hpp"

#include <fmt/format.h>

#include <netdb.h>
#include <netinet/in.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <system_error>

namespace twincached::app {
namespace {

struct FreeAddresses {
    void operator()(addrinfo* list) const noexcept { ::freeaddrinfo(list); }
};

class Descriptor {
  public:
    explicit Descriptor(int number) noexcept : number_(number) {}
    Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
    Descriptor& operator=(Descriptor&&) = delete;
    ~Descriptor() {
        if (number_ >= 0) ::close(number_);
    }
    int get() const noexcept { return number_; }
    int release() noexcept { return std::exchange(number_, -1); }

  private:
    int number_;
};

// Throws std::system_error.
Descriptor bind_datagram(const DatagramAddress& to, bool shares_port) {
    constexpr int flags = SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC;
    Descriptor descriptor(::socket(to.address.ss_family, flags, 0));
    const int on = 1;
    const bool is_ready =
        descriptor.get() >= 0 &&
        (to.address.ss_family != AF_INET6 ||
         ::setsockopt(descriptor.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) == 0) &&
        (!shares_port ||
         ::setsockopt(descriptor.get(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) == 0) &&
        ::bind(descriptor.get(), reinterpret_cast<const sockaddr*>(&to.address), to.size) == 0;
    if (!is_ready) {
        throw std::system_error(errno, std::generic_category(), "failed to listen on UDP");
    }
    return descriptor;
}

bool is_absent_family(const std::system_error& error) noexcept {
    return error.code() == std::errc::address_family_not_supported ||
           error.code() == std::errc::address_not_available;
}

void add_host(const std::string& host, std::uint16_t port, std::vector<DatagramAddress>& into) {
    addrinfo hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_DGRAM;
    hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
    addrinfo* list = nullptr;
    const int error = ::getaddrinfo(host.empty() ? nullptr : host.c_str(),
                                    std::to_string(port).c_str(), &hints, &list);
    if (error != 0) {
        throw std::runtime_error(fmt::format("failed to listen on '{}': getaddrinfo(): {}", host,
                                             ::gai_strerror(error)));
    }
    const std::unique_ptr<addrinfo, FreeAddresses> found(list);
    const auto before = into.size();
    for (const auto* at = found.get(); at != nullptr; at = at->ai_next) {
        DatagramAddress address;
        std::memcpy(&address.address, at->ai_addr, at->ai_addrlen);
        address.size = at->ai_addrlen;
        try {
            bind_datagram(address, false);
            into.push_back(address);
        } catch (const std::system_error& failure) {
            const bool is_last = at->ai_next == nullptr && into.size() == before;
            if (is_last || !is_absent_family(failure)) throw;
        }
    }
}

}  // namespace

std::vector<DatagramAddress> datagram_addresses(const ListenerOptions& options) {
    std::vector<DatagramAddress> addresses;
    if (options.udp_port == 0 || !options.unix_socket.empty()) return addresses;
    const auto port = static_cast<std::uint16_t>(options.udp_port < 0 ? 0 : options.udp_port);
    if (options.listen.empty()) add_host("", port, addresses);
    for (const auto& text : options.listen) {
        const auto listener = parse_listener(text);  // checked when it was read
        const auto* endpoint = &listener->endpoint;
        // As in memcached, a port that stands with an address is for TCP and UDP alike.
        add_host(endpoint->host, endpoint->port.value_or(port), addresses);
    }
    return addresses;
}

std::vector<int> open_datagram_sockets(DatagramAddress& address, std::size_t count) {
    std::vector<Descriptor> sockets;
    for (std::size_t i = 0; i < count; ++i) {
        sockets.push_back(bind_datagram(address, true));
        if (i > 0) continue;
        address.size = sizeof address.address;
        ::getsockname(sockets.front().get(), reinterpret_cast<sockaddr*>(&address.address),
                      &address.size);
    }
    std::vector<int> descriptors;
    for (auto& socket : sockets)
        descriptors.push_back(socket.release());
    return descriptors;
}

}  // namespace twincached::app
