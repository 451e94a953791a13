// What a proxy says of its client before the first byte of that client: the PROXY protocol,
// versions 1 and 2 (HAProxy doc/proxy-protocol.txt). Pure.
//
//     1: "PROXY TCP4 192.0.2.7 192.0.2.1 47000 11211\r\n", TCP6, or UNKNOWN and anything
//     2: \r\n\r\n\0\r\nQUIT\n | 2x: x = 0 the proxy itself, 1 a client | family | length |
//     addresses
#pragma once

#include "app/addresses/client_address.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace twincached::app {

struct ProxyHeader {
    enum class State : std::uint8_t {
        incomplete,  // a beginning; more is needed
        complete,
        broken,  // whatever follows, this is no header
    };
    State state = State::broken;
    std::size_t size = 0;  // of a complete one: the client's own bytes follow
    // Nothing where the proxy speaks for itself (its health checks) or does not know.
    std::optional<ClientAddress> client;
};

// A longer one is broken. Version 2 may carry further facts, which are skipped.
inline constexpr std::size_t proxy_header_limit = 4096;

ProxyHeader parse_proxy_header(std::string_view bytes) noexcept;

}  // namespace twincached::app
