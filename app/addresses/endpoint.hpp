// Where clients are awaited and what they speak there, as operators write it, and repcached's
// ports. Pure: names are not resolved here.
#pragma once

#include "lib/input/endpoint.hpp"
#include "lib/result.hpp"

#include <cstdint>
#include <optional>
#include <string_view>

namespace twincached::app {

// What a listener's clients speak: as it is set for all, plain, or TLS with a certificate of their
// own. Written before its address: "notls:host:port", "mtls:[ipv6]:port".
enum class ListenerTls : std::uint8_t { usual, none, mutual };

struct ListenerAddress {
    lib::Endpoint endpoint;
    ListenerTls tls = ListenerTls::usual;
};

lib::Parsed<ListenerAddress> parse_listener(std::string_view text);

// repcached's -X: "listen" or "listen:connect", both ports.
struct PortPair {
    std::uint16_t listen = 0;
    std::uint16_t connect = 0;
};
std::optional<PortPair> parse_port_pair(std::string_view text) noexcept;

}  // namespace twincached::app
