// Which of the pair's two nodes this one is. Either the operator says so, or the addresses do:
// the lower (address, port) of the link's two ends is `a`, so that both sides, each knowing its
// own end and the other's, come to opposite conclusions without a word. A node that knows neither
// yet, because a name does not resolve, is undecided: it serves all the same, and is decided by the
// peer's address when that is known, or by the peer itself when it has called and proved who it is.
// Pure functions.
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

// The number that versions carry, and that nodes tell each other. Decided, it never changes.
inline constexpr unsigned node_a = 0;
inline constexpr unsigned node_b = 1;
inline constexpr unsigned node_undecided = 2;

constexpr bool is_decided(unsigned node) noexcept {
    return node < node_undecided;
}
// REQUIRES: is_decided(node).
constexpr unsigned other_node(unsigned node) noexcept {
    return node ^ 1U;
}

// What the versions of an undecided node carry for as long as it runs: neither a's number nor b's,
// so that no version is another's, whichever of the two it turns out to be. Two undecided nodes
// that call each other by their host names have different ones, too.
constexpr unsigned number_of_undecided(std::string_view own_host,
                                       std::string_view peer_host) noexcept {
    return own_host < peer_host ? 2 : 3;
}

// "a", "b"; empty while it is undecided.
std::string_view node_name(unsigned node) noexcept;

// `configured` is "a", "b" or empty for "by address"; undecided if that is not possible because an
// end is not known. The error is a sentence for the operator.
lib::Parsed<unsigned> identify_node(std::string_view configured, const std::optional<LinkEnd>& own,
                                    const std::optional<LinkEnd>& peer);

}  // namespace twincached::replication::pair
