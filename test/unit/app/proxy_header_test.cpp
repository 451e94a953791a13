#include "app/listeners/proxy_header.hpp"
#include "app/addresses/network.hpp"

#include <catch2/catch.hpp>

#include <string>

namespace twincached::app {

namespace {

using namespace std::string_literals;
using State = ProxyHeader::State;

const std::string signature = "\r\n\r\n\0\r\nQUIT\n"s;

std::string version_2(char command, char family, const std::string& body) {
    const auto size = body.size();
    return signature + command + family + static_cast<char>(size >> 8) +
           static_cast<char>(size & 0xff) + body;
}

// 192.0.2.7:47000 to 192.0.2.1:11211
const std::string tcp4_body = "\xc0\x00\x02\x07\xc0\x00\x02\x01\xb7\x98\x2b\xcb"s;
const std::string tcp6_body = "\x20\x01\x0d\xb8"s + std::string(11, '\0') + "\x07" +
                              std::string(16, '\0') + "\xb7\x98\x2b\xcb";

// The client as `stats conns` would show it; the parse must give the same at every split.
std::string client_in(const std::string& header, const std::string& rest = "get x\r\n") {
    for (std::size_t size = 0; size < header.size(); ++size) {
        INFO(size);
        CHECK(parse_proxy_header(header.substr(0, size)).state == State::incomplete);
    }
    const auto parsed = parse_proxy_header(header + rest);
    if (parsed.state != State::complete) return "broken";
    CHECK(parsed.size == header.size());
    return parsed.client ? parsed.client->text() : "the proxy";
}

bool is_broken(const std::string& bytes) {
    return parse_proxy_header(bytes).state == State::broken;
}

}  // namespace

TEST_CASE("version 1 names the client") {
    CHECK(client_in("PROXY TCP4 192.0.2.7 192.0.2.1 47000 11211\r\n") == "tcp:192.0.2.7:47000");
    CHECK(client_in("PROXY TCP6 2001:db8::7 2001:db8::1 47000 11211\r\n") ==
          "tcp6:[2001:db8::7]:47000");
    CHECK(client_in("PROXY TCP6 ::ffff:192.0.2.7 ::1 47000 11211\r\n") == "tcp:192.0.2.7:47000");
    CHECK(client_in("PROXY UNKNOWN\r\n") == "the proxy");
    CHECK(client_in("PROXY UNKNOWN ffff::1 ffff::2 65535 65535\r\n") == "the proxy");
}

TEST_CASE("version 2 names the client, and what else it says is skipped") {
    CHECK(client_in(version_2(0x21, 0x11, tcp4_body)) == "tcp:192.0.2.7:47000");
    CHECK(client_in(version_2(0x21, 0x21, tcp6_body)) == "tcp6:[2001:db8::7]:47000");
    CHECK(client_in(version_2(0x21, 0x11, tcp4_body + "\x03\x00\x04....."s)) ==
          "tcp:192.0.2.7:47000");
    CHECK(client_in(version_2(0x21, 0x31, std::string(216, '\0'))) == "unix:");
    CHECK(client_in(version_2(0x20, 0x00, "")) == "the proxy");
    CHECK(client_in(version_2(0x20, 0x11, tcp4_body)) == "the proxy");
    CHECK(client_in(version_2(0x21, 0x00, "")) == "the proxy");
    CHECK(client_in(version_2(0x21, 0x12, tcp4_body)) == "the proxy");
}

TEST_CASE("what is no header is known as such by its first wrong byte") {
    for (const auto bytes : {"get x\r\n", "PROXZ", "\x80", "P ", "\r\n\r\nX", "version\r\n"}) {
        INFO(bytes);
        CHECK(is_broken(bytes));
    }
    CHECK(is_broken(signature + '\x11'));
    CHECK(is_broken(signature + '\x22'));
}

TEST_CASE("a header that contradicts itself is broken") {
    for (const auto* line :
         {"PROXY TCP4 192.0.2.7 192.0.2.1 47000\r\n", "PROXY TCP4 192.0.2.7 192.0.2.1 70000 1\r\n",
          "PROXY TCP4 192.0.2.7 192.0.2.1 1 2 3\r\n", "PROXY TCP4 ::1 ::1 1 2\r\n",
          "PROXY TCP6 192.0.2.7 192.0.2.1 1 2\r\n", "PROXY TCP4 192.0.2 192.0.2.1 1 2\r\n",
          "PROXY UDP4 192.0.2.7 192.0.2.1 1 2\r\n", "PROXY \r\n", "PROXY UNKNOWNS\r\n",
          "PROXY TCP4  192.0.2.7 192.0.2.1 1 2\r\n", "PROXY TCP4 192.0.2.7 192.0.2.1 -1 2\r\n"}) {
        INFO(line);
        CHECK(is_broken(line));
    }
    CHECK(is_broken("PROXY UNKNOWN" + std::string(94, 'x')));
    CHECK(is_broken(version_2(0x21, 0x11, "short")));
    CHECK(is_broken(version_2(0x21, 0x21, tcp4_body)));
    CHECK(is_broken(version_2(0x21, 0x11, tcp4_body + std::string(4096, 'x'))));
    CHECK(is_broken("PROXY TCP4 192.0.2.7\0 192.0.2.1 1 2\r\n"s));
}

TEST_CASE("a network holds its addresses and no others") {
    const auto holds = [](const char* network, const char* address) {
        const auto one = Network::parse(address);
        const auto text = "PROXY TCP"s + (std::string(address).find(':') == std::string::npos
                                              ? "4 "s + address + " 1.1.1.1 1 2\r\n"
                                              : "6 "s + address + " ::1 1 2\r\n");
        return Network::parse(network)->contains(*parse_proxy_header(text).client);
    };
    CHECK(holds("10.0.0.0/8", "10.200.3.4"));
    CHECK_FALSE(holds("10.0.0.0/8", "11.0.0.0"));
    CHECK(holds("10.1.2.128/25", "10.1.2.129"));
    CHECK_FALSE(holds("10.1.2.128/25", "10.1.2.127"));
    CHECK(holds("127.0.0.1", "127.0.0.1"));
    CHECK_FALSE(holds("127.0.0.1", "127.0.0.2"));
    CHECK(holds("0.0.0.0/0", "203.0.113.9"));
    CHECK_FALSE(holds("0.0.0.0/0", "2001:db8::1"));
    CHECK(holds("2001:db8::/33", "2001:db8:7fff::1"));
    CHECK_FALSE(holds("2001:db8::/33", "2001:db8:8000::1"));
    CHECK(holds("10.0.0.0/8", "::ffff:10.0.0.1"));
}

TEST_CASE("what is no network is refused by name") {
    for (const auto text : {"", "10.0.0.0/33", "::/129", "10.0.0/8", "host", "10.0.0.0/", "/8",
                            "10.0.0.0/-1", "1.2.3.4/8x"}) {
        INFO(text);
        CHECK(Network::parse(text).has_error());
    }
    CHECK(parse_networks({"::1", "nonsense"}).error() ==
          "'nonsense' is no address or network such as 10.0.0.0/8 or ::1");
}

}  // namespace twincached::app
