// Which of the pair's two nodes this one is. Either the operator says so, or the addresses do:
// the lower (address, port) of the link's two ends is `a`, so that both sides, each knowing its
// own end and the other's, come to opposite conclusions without a word. Pure functions.
#pragma once

#include "lib/result.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>

namespace twincached::replication::pair {

// One end of the link as its listener is reached. An IPv4 address is kept as IPv6 maps it
// (::ffff:0:0/96), so that both families compare in one order.
struct LinkEnd {
    std::array<std::uint8_t, 16> address{};
    std::uint16_t port = 0;

    friend bool operator==(const LinkEnd&, const LinkEnd&) noexcept = default;
    friend bool operator<(const LinkEnd& one, const LinkEnd& other) noexcept {
        return std::tie(one.address, one.port) < std::tie(other.address, other.port);
    }
};

// The number that versions carry.
inline constexpr unsigned node_a = 0;
inline constexpr unsigned node_b = 1;

std::string_view node_name(unsigned node) noexcept;

// `configured` is "a", "b" or empty for "by address"; the ends may be unknown only if it is not
// empty. The error is a sentence for the operator.
lib::Parsed<unsigned> identify_node(std::string_view configured, const std::optional<LinkEnd>& own,
                                    const std::optional<LinkEnd>& peer);

}  // namespace twincached::replication::pair
