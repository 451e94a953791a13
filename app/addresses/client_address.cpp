#include "app/addresses/client_address.hpp"

#include <fmt/format.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>

namespace twincached::app {

ClientAddress ClientAddress::ipv4(const unsigned char* address, std::uint16_t port) noexcept {
    ClientAddress client;
    client.family = Family::ipv4;
    client.port = port;
    std::copy_n(address, 4, client.bytes.begin());
    return client;
}

ClientAddress ClientAddress::ipv6(const unsigned char* address, std::uint16_t port) noexcept {
    constexpr unsigned char mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    if (std::equal(std::begin(mapped), std::end(mapped), address)) {
        return ipv4(address + sizeof mapped, port);
    }
    ClientAddress client;
    client.family = Family::ipv6;
    client.port = port;
    std::copy_n(address, 16, client.bytes.begin());
    return client;
}

ClientAddress ClientAddress::from(const sockaddr_storage& address) noexcept {
    if (address.ss_family == AF_INET) {
        const auto& in = reinterpret_cast<const sockaddr_in&>(address);
        return ipv4(reinterpret_cast<const unsigned char*>(&in.sin_addr), ntohs(in.sin_port));
    }
    if (address.ss_family == AF_INET6) {
        const auto& in = reinterpret_cast<const sockaddr_in6&>(address);
        return ipv6(reinterpret_cast<const unsigned char*>(&in.sin6_addr), ntohs(in.sin6_port));
    }
    ClientAddress client;
    if (address.ss_family == AF_UNIX) client.family = Family::local;
    return client;
}

std::string ClientAddress::host() const {
    if (family == Family::local) return "unix";
    if (family == Family::none) return "unknown";
    char text[INET6_ADDRSTRLEN] = "";
    ::inet_ntop(family == Family::ipv4 ? AF_INET : AF_INET6, bytes.data(), text, sizeof text);
    return text;
}

std::string ClientAddress::text() const {
    switch (family) {
        case Family::ipv4:
            return fmt::format("tcp:{}:{}", host(), port);
        case Family::ipv6:
            return fmt::format("tcp6:[{}]:{}", host(), port);
        case Family::local:
            return "unix:";
        case Family::none:
            return "unknown";
    }
    return "unknown";
}

}  // namespace twincached::app
