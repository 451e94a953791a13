#include "app/endpoint/entry/endpoint_options.hpp"

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

TEST_CASE("an address that begins with tls: is for TLS, and a unix socket is not") {
    CHECK(parse_admin_place("tls:127.0.0.1:11281")->is_tls);
    CHECK(parse_admin_place("tls:[::1]:11281")->endpoint.host == "::1");
    CHECK_FALSE(parse_admin_place("127.0.0.1:11281")->is_tls);
    for (const auto* text : {"tls:local", "tls:/run/admin.sock", "tls:host", "tls:"}) {
        INFO(text);
        CHECK(parse_admin_place(text).has_error());
    }
    CHECK(parse_admin_place("tls:local").error() ==
          "'tls:local' is a unix socket, which needs no TLS: write tls:host:port");
}

TEST_CASE("TLS of the endpoint has a certificate and a key, and is not asked for by halves") {
    EndpointOptions options;
    options.listen = {"local", "tls:127.0.0.1:1"};
    const auto message = [&] {
        const auto problems = problems_of(options);
        return problems.size() == 1 ? problems.front().message : std::to_string(problems.size());
    };
    CHECK(message() == "listen of [admin] has tls: it needs certificate and key");
    options.certificate = "/c";
    CHECK(message() == "certificate of [admin] needs its key");
    options.key = "/k";
    options.token_file = "/t";
    CHECK(problems_of(options).empty());
    options.listen = {"local", "127.0.0.1:1"};
    CHECK(problems_of(options).size() == 3);
    options.certificate = options.key = "";
    CHECK(message() == "token-file of [admin] is for TLS: a place of listen must begin with tls:");
    options.token_file = "";
    options.agent_listen = {"tls:127.0.0.1:2"};
    CHECK(problems_of(options).size() == 1);
}

}  // namespace twincached::app
