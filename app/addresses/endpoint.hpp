// Addresses as operators write them: "host", "host:port", "address", "[ipv6]:port", "port".
// Pure: names are not resolved here.
#pragma once

#include "lib/result.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace twincached::app {

struct Endpoint {
    Endpoint() = default;
    Endpoint(std::string host_text, std::optional<std::uint16_t> port_number)
        : host(std::move(host_text)), port(port_number) {}

    std::string host;  // empty: all interfaces; "*" is read as empty
    std::optional<std::uint16_t> port;

    friend bool operator==(const Endpoint&, const Endpoint&) = default;
};

// What a listener's clients speak: as it is set for all, plain, or TLS with a certificate of their
// own. Written before its address: "notls:host:port", "mtls:[ipv6]:port".
enum class ListenerTls : std::uint8_t { usual, none, mutual };

struct ListenerAddress {
    Endpoint endpoint;
    ListenerTls tls = ListenerTls::usual;
};

lib::Parsed<ListenerAddress> parse_listener(std::string_view text);

// A text with more than one ':' and no brackets is an IPv6 address without a port.
lib::Parsed<Endpoint> parse_endpoint(std::string_view text);

// Where a link listens: an endpoint, or a port alone ("11212", ":11212").
lib::Parsed<Endpoint> parse_link_endpoint(std::string_view text);

// repcached's -X: "listen" or "listen:connect", both ports.
struct PortPair {
    std::uint16_t listen = 0;
    std::uint16_t connect = 0;
};
std::optional<PortPair> parse_port_pair(std::string_view text) noexcept;

}  // namespace twincached::app
