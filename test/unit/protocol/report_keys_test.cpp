// A key may hold any byte: base64 in meta commands and the binary protocol bring line ends and
// blanks. In no report may it become a line, or a word, of its own.
#include "lib/endian.hpp"
#include "test/unit/protocol/test_service.hpp"

#include <catch2/catch.hpp>

#include <string>

namespace twincached::protocol::test {

namespace {

using namespace std::string_literals;

const std::string forged = "p:a\r\nEND\r\n";
const std::string forged_base64 = "cDphDQpFTkQNCg==";

std::string packet(char opcode, const std::string& key, const std::string& extras,
                   const std::string& value) {
    std::string text{'\x80', opcode, '\0', static_cast<char>(key.size())};
    text += static_cast<char>(extras.size());
    text += std::string(6, '\0');
    text += static_cast<char>(key.size() + extras.size() + value.size());
    return text + std::string(12, '\0') + extras + key + value;
}

// Both ways for such a key to come.
enum class Road { base64, binary };

void store_forged(TestService& service, Road road) {
    if (road == Road::base64) {
        REQUIRE(Client(service).say("ms " + forged_base64 + " 1 b\r\nx\r\n") == "HD\r\n");
    } else {
        REQUIRE(Client(service).say(packet(1, forged, std::string(8, '\0'), "x")).size() == 24);
    }
}

}  // namespace

TEST_CASE("a key that is no text is left out of a cachedump and encoded in the other dumps") {
    const auto road = GENERATE(Road::base64, Road::binary);
    TestService service;
    store_forged(service, road);
    Client client(service);
    client.say("set plain 0 0 1\r\nx\r\n");
    CHECK(client.say("stats cachedump 1 0\r\n") == "ITEM plain [1 b; 0 s]\r\nEND\r\n");
    CHECK(client.say("stats cachedump 1 1\r\n") == "ITEM plain [1 b; 0 s]\r\nEND\r\n");
    const auto metadump = client.say("lru_crawler metadump all\r\n");
    CHECK(metadump.find("key=p%3Aa%0D%0AEND%0D%0A ") != std::string::npos);
    const auto mgdump = client.say("lru_crawler mgdump all\r\n");
    CHECK(mgdump.find("mg " + forged_base64 + " b\r\n") != std::string::npos);
}

TEST_CASE("a key that is no text is returned as base64, however it came") {
    const auto road = GENERATE(Road::base64, Road::binary);
    TestService service;
    store_forged(service, road);
    Client client(service);
    CHECK(client.say("mg " + forged_base64 + " b k\r\n") == "HD k" + forged_base64 + " b\r\n");
    CHECK(client.say("md " + forged_base64 + " b k\r\n") == "HD k" + forged_base64 + " b\r\n");
}

TEST_CASE("a prefix that is no text is encoded, any other stands as it is") {
    TestService service;
    service.shared().observation.prefixes.set_enabled(true);
    Client client(service);
    // "a\r\nEND:x" and a plain one.
    client.say("mg YQ0KRU5EOng= b\r\nget p%C:x\r\n");
    CHECK(lines_of(client.say("stats detail dump\r\n")) ==
          std::multiset<std::string>{"PREFIX a%0D%0AEND get 1 hit 0 set 0 del 0",
                                     "PREFIX p%C get 1 hit 0 set 0 del 0", "END"});
}

TEST_CASE("in binary, stat knows detail on, off and dump") {
    TestService service;
    const auto stat = [&](const std::string& what) {
        return Client(service).say(packet(0x10, what, "", ""));
    };
    const auto status = [](const std::string& answer) {
        return lib::load_big<std::uint16_t>(answer.data() + 6);
    };
    const std::size_t header = 24;
    CHECK(stat("detail on").size() == header);
    Client(service).say("get p:x\r\n");
    const auto dump = stat("detail dump");
    CHECK(status(dump) == 0);
    CHECK(dump.find("detailedPREFIX p get 1 hit 0 set 0 del 0\r\nEND\r\n") == header);
    CHECK(status(dump.substr(dump.size() - header)) == 0);
    CHECK(stat("detail off").size() == header);
    Client(service).say("get p:x\r\n");
    CHECK(stat("detail dump") == dump);
    // Of clients, too, which are told of in several turns.
    const auto clients = stat("conns");
    CHECK(clients.find("27:stateconn_read") == header);
    CHECK(clients.find("28:stateconn_read") != std::string::npos);
    CHECK(status(clients.substr(clients.size() - header)) == 0);
    CHECK(status(stat("detail")) == 1);
    CHECK(status(stat("detail bogus")) == 1);
}

}  // namespace twincached::protocol::test
