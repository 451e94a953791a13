// Where a client is: an address and a port, or the machine itself (a unix socket). A value.
#pragma once

#include <sys/socket.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

namespace twincached::app {

struct ClientAddress {
    enum class Family : std::uint8_t { none, ipv4, ipv6, local };

    Family family = Family::none;
    std::uint16_t port = 0;
    // The address in network order; of IPv4 the first four.
    std::array<unsigned char, 16> bytes{};

    // An IPv4 address in IPv6's clothes counts as what it is.
    static ClientAddress from(const sockaddr_storage& address) noexcept;
    static ClientAddress ipv4(const unsigned char* address, std::uint16_t port) noexcept;
    static ClientAddress ipv6(const unsigned char* address, std::uint16_t port) noexcept;

    // "tcp:127.0.0.1:47768", "tcp6:[::1]:11211", "unix:": as `stats conns` writes it.
    std::string text() const;
    // The address alone, without brackets; "unix" for the machine itself.
    std::string host() const;
    std::size_t address_size() const noexcept { return family == Family::ipv4 ? 4 : 16; }

    friend bool operator==(const ClientAddress&, const ClientAddress&) = default;
};

}  // namespace twincached::app
