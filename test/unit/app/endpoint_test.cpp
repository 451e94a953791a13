#include "app/addresses/endpoint.hpp"

#include <catch2/catch.hpp>

namespace twincached::app {

using lib::Endpoint;
using lib::parse_endpoint;
using lib::parse_link_endpoint;

TEST_CASE("an endpoint may name a host, a port, and an IPv6 address in brackets") {
    CHECK(*parse_endpoint("localhost") == Endpoint("localhost", std::nullopt));
    CHECK(*parse_endpoint("10.0.0.1:11311") == Endpoint("10.0.0.1", 11311));
    CHECK(*parse_endpoint("[::1]:11311") == Endpoint("::1", 11311));
    CHECK(*parse_endpoint("[::1]") == Endpoint("::1", std::nullopt));
    CHECK(*parse_endpoint("fe80::1") == Endpoint("fe80::1", std::nullopt));
    CHECK(*parse_endpoint(":11311") == Endpoint("", 11311));
    CHECK(*parse_endpoint("*") == Endpoint("", std::nullopt));
}

TEST_CASE("an endpoint with a broken port or bracket is refused") {
    for (const auto text : {"", "host:", "host:0", "host:65536", "host:-1", "host:11a", "[::1",
                            "[::1]11311", "[::1]:"}) {
        INFO(text);
        CHECK(parse_endpoint(text).has_error());
    }
}

TEST_CASE("a link may listen on a port alone") {
    CHECK(*parse_link_endpoint("11212") == Endpoint("", 11212));
    CHECK(*parse_link_endpoint("10.0.0.1:11212") == Endpoint("10.0.0.1", 11212));
}

TEST_CASE("repcached's -X names the port to listen on and the one to connect to") {
    CHECK(parse_port_pair("11300")->listen == 11300);
    CHECK(parse_port_pair("11300")->connect == 11300);
    CHECK(parse_port_pair("11300:11301")->connect == 11301);
    for (const auto text : {"", ":", "11300:", "a", "0", "65536", "11300:x", "1:2:3"}) {
        INFO(text);
        CHECK_FALSE(parse_port_pair(text).has_value());
    }
}

TEST_CASE("a listener's address may say before it what its clients speak") {
    CHECK(parse_listener("notls:127.0.0.1:11211")->endpoint == Endpoint("127.0.0.1", 11211));
    CHECK(parse_listener("notls:127.0.0.1:11211")->tls == ListenerTls::none);
    CHECK(parse_listener("mtls:[::1]")->endpoint == Endpoint("::1", std::nullopt));
    CHECK(parse_listener("mtls:[::1]")->tls == ListenerTls::mutual);
    CHECK(parse_listener("mtls:*:1")->endpoint == Endpoint("", 1));
    CHECK(parse_listener("example.org:1")->tls == ListenerTls::usual);
    CHECK(parse_listener("mtls:").has_error());
    CHECK(parse_listener("notls:host:99999").has_error());
}

}  // namespace twincached::app
