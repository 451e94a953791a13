#include "app/endpoint/endpoint_options.hpp"

#include <catch2/catch.hpp>

namespace twincached::app {

TEST_CASE("a place of the admin endpoint is local, a path, or an address with a port") {
    CHECK(parse_admin_place("local")->is_local);
    CHECK(parse_admin_place("/run/twincached/admin.sock")->path == "/run/twincached/admin.sock");
    CHECK(parse_admin_place("127.0.0.1:11280")->endpoint ==
          lib::Endpoint("127.0.0.1", std::uint16_t{11280}));
    CHECK(parse_admin_place("[::1]:11280")->endpoint.host == "::1");
    CHECK(parse_admin_place(":11280")->endpoint.host.empty());
}

TEST_CASE("a place without a port is refused with the ways to write one") {
    for (const auto* text :
         {"127.0.0.1", "host", "admin.sock", "::1", "host:0", "host:99999", ""}) {
        INFO(text);
        CHECK(parse_admin_place(text).has_error());
    }
    CHECK(parse_admin_place("host").error() ==
          "'host' has no port: write host:port, the whole path of a unix socket, or local");
}

TEST_CASE("HAProxy's agent is awaited at a port alone") {
    EndpointOptions options;
    options.listen = {"local", "/a", "127.0.0.1:1"};
    options.agent_listen = {"127.0.0.1:2"};
    CHECK(problems_of(options).empty());
    options.agent_listen = {"local"};
    CHECK(problems_of(options).size() == 1);
    options.agent_listen = {"/a", "nowhere"};
    CHECK(problems_of(options).size() == 2);
}

}  // namespace twincached::app
