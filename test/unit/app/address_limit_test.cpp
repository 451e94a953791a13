#include "app/listeners/address_limit.hpp"

#include <catch2/catch.hpp>

namespace twincached::app {

namespace {

ClientAddress address(unsigned char last, std::uint16_t port) {
    const unsigned char bytes[4] = {192, 0, 2, last};
    return ClientAddress::ipv4(bytes, port);
}

}  // namespace

TEST_CASE("each address has its share, whatever its ports") {
    AddressLimit limit;
    limit.set_most(2);
    CHECK(limit.take(address(1, 1000)));
    CHECK(limit.take(address(1, 1001)));
    CHECK_FALSE(limit.take(address(1, 1002)));
    CHECK(limit.take(address(2, 1000)));
    CHECK(limit.rejected() == 1);
    limit.give_back(address(1, 7));
    CHECK(limit.take(address(1, 1003)));
}

TEST_CASE("connections count from the first, so that a limit may come later") {
    AddressLimit limit;
    for (std::uint16_t port = 0; port < 5; ++port)
        CHECK(limit.take(address(1, port)));
    limit.set_most(5);
    CHECK_FALSE(limit.take(address(1, 9)));
    limit.set_most(0);
    CHECK(limit.take(address(1, 9)));
}

TEST_CASE("the addresses of an IPv6 network of 64 bits share what one address may have") {
    AddressLimit limit;
    limit.set_most(1);
    unsigned char bytes[16] = {0x20, 1, 0x0d, 0xb8, 0, 1, 0, 2, 0, 0, 0, 0, 0, 0, 0, 1};
    CHECK(limit.take(ClientAddress::ipv6(bytes, 5)));
    bytes[8] = 0xff;
    bytes[15] = 9;
    CHECK_FALSE(limit.take(ClientAddress::ipv6(bytes, 6)));
    bytes[7] = 3;
    CHECK(limit.take(ClientAddress::ipv6(bytes, 7)));
    bytes[15] = 1;
    limit.give_back(ClientAddress::ipv6(bytes, 7));
    CHECK(limit.take(ClientAddress::ipv6(bytes, 8)));
}

TEST_CASE("an IPv4 address and its like in IPv6 are one") {
    AddressLimit limit;
    limit.set_most(1);
    const unsigned char mapped[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 1};
    CHECK(limit.take(ClientAddress::ipv6(mapped, 5)));
    CHECK_FALSE(limit.take(address(1, 6)));
}

}  // namespace twincached::app
