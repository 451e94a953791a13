// Addresses as operators write them: "host", "host:port", "address", "[ipv6]:port", "port".
// Pure: names are not resolved here.
#pragma once

#include "lib/result.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace twincached::lib {

struct Endpoint {
    Endpoint() = default;
    Endpoint(std::string host_text, std::optional<std::uint16_t> port_number)
        : host(std::move(host_text)), port(port_number) {}

    std::string host;  // empty: all interfaces; "*" is read as empty
    std::optional<std::uint16_t> port;

    friend bool operator==(const Endpoint&, const Endpoint&) = default;
};

// A text with more than one ':' and no brackets is an IPv6 address without a port.
Parsed<Endpoint> parse_endpoint(std::string_view text);

// Where a link listens: an endpoint, or a port alone ("11212", ":11212").
Parsed<Endpoint> parse_link_endpoint(std::string_view text);

// 1 to 65535.
std::optional<std::uint16_t> parse_port(std::string_view text) noexcept;

}  // namespace twincached::lib
