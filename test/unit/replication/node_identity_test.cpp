#include "replication/pair/node_identity.hpp"

#include <catch2/catch.hpp>

using namespace twincached::replication::pair;

namespace {

LinkEnd ipv4(std::uint8_t last, std::uint16_t port) {
    return {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 127, 0, 0, last}, port};
}

LinkEnd ipv6(std::uint8_t last, std::uint16_t port) {
    return {{0xFD, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last}, port};
}

}  // namespace

TEST_CASE("the node with the lower address is a, the other is b") {
    CHECK(*identify_node("", ipv4(1, 11212), ipv4(2, 11212)) == node_a);
    CHECK(*identify_node("", ipv4(2, 11212), ipv4(1, 11212)) == node_b);
    CHECK(*identify_node("", ipv6(9, 11212), ipv6(200, 11212)) == node_a);
    CHECK(*identify_node("", ipv6(200, 11212), ipv6(9, 11212)) == node_b);
}

TEST_CASE("on one address the lower port is a") {
    CHECK(*identify_node("", ipv4(1, 11212), ipv4(1, 11213)) == node_a);
    CHECK(*identify_node("", ipv4(1, 11213), ipv4(1, 11212)) == node_b);
}

TEST_CASE("what the operator says goes before the addresses") {
    CHECK(*identify_node("b", ipv4(1, 1), ipv4(2, 1)) == node_b);
    CHECK(*identify_node("a", {}, {}) == node_a);
}

TEST_CASE("a node whose peer is itself is told so") {
    CHECK(identify_node("", ipv4(1, 5), ipv4(1, 5)).error().find("this node's own") !=
          std::string::npos);
}

TEST_CASE("a node that knows neither its name nor the peer's address is undecided") {
    CHECK(*identify_node("", {}, {}) == node_undecided);
    CHECK(*identify_node("", ipv4(1, 1), {}) == node_undecided);
    CHECK(*identify_node("", {}, ipv4(1, 1)) == node_undecided);
    CHECK(node_name(node_undecided).empty());
    CHECK_FALSE(is_decided(node_undecided));
    CHECK(identify_node("c", ipv4(1, 1), ipv4(2, 1)).error() ==
          "node must be a, b or empty, not 'c'");
}

TEST_CASE("the versions of undecided nodes are neither a's nor b's nor each other's") {
    const auto one = number_of_undecided("host-a", "host-b.example");
    const auto other = number_of_undecided("host-b", "host-a.example");
    CHECK(one != other);
    for (const auto number : {one, other}) {
        CHECK_FALSE(is_decided(number));
        CHECK(number < 4);  // two bits of a version
    }
}
