#include "protocol/reports/dump.hpp"

#include "test/unit/protocol/test_service.hpp"

#include <catch2/catch.hpp>

#include <set>
#include <sstream>
#include <string>

namespace twincached::protocol::test {

namespace {

std::multiset<std::string> lines_of(const std::string& answer) {
    std::multiset<std::string> lines;
    std::istringstream stream(answer);
    for (std::string line; std::getline(stream, line);)
        lines.insert(line);
    return lines;
}

}  // namespace

TEST_CASE("a metadump prints one line per item, in memcached's form") {
    TestService service;
    Client client(service);
    client.say("set a 7 0 1\r\nx\r\nset b%c 0 60 1\r\nx\r\nget a\r\n");
    const auto now = std::to_string(client.now.unix_seconds);
    const auto until = std::to_string(client.now.unix_seconds + 60);
    CHECK(lines_of(client.say("lru_crawler metadump all\r\n")) ==
          std::multiset<std::string>{
              "OK\r", "key=a exp=-1 la=" + now + " cas=1 fetch=yes cls=1 size=65 flags=7 ",
              "key=b%25c exp=" + until + " la=" + now + " cas=2 fetch=no cls=1 size=63 flags=0 ",
              "END\r"});
}

TEST_CASE("a dump can be limited to size classes") {
    TestService service;
    Client client(service);
    client.say("set small 0 0 1\r\nx\r\nset large 0 0 200\r\n" + std::string(200, 'v') + "\r\n");
    CHECK(client.say("lru_crawler mgdump 6\r\n") == "OK\r\nmg large\r\nEN\r\n");
    CHECK(client.say("lru_crawler mgdump 1,2\r\n") == "OK\r\nmg small\r\nEN\r\n");
    CHECK(client.say("lru_crawler mgdump 5\r\n") == "OK\r\nEN\r\n");
    CHECK(client.say("lru_crawler mgdump 0\r\n") == "BADCLASS invalid class id\r\n");
    CHECK(client.say("stats cachedump 6 0\r\n") == "ITEM large [200 b; 0 s]\r\nEND\r\n");
}

TEST_CASE("a key that is not text is dumped as base64") {
    TestService service;
    Client client(service);
    client.say("ms Zm9v 1 b\r\nx\r\n");
    CHECK(client.say("lru_crawler mgdump all\r\n") == "OK\r\nmg Zm9v b\r\nEN\r\n");
}

TEST_CASE("a dump of many items stops at the high-water mark, and misses none") {
    TestService service;
    service.settings_to_change().output_high_water_bytes = 8000;
    Client client(service);
    for (int i = 0; i < 3000; ++i)
        client.say("set k" + std::to_string(i) + " 0 0 1\r\nx\r\n");
    client.last_steps.clear();
    const auto lines = lines_of(client.say("lru_crawler mgdump all\r\nversion\r\n"));
    CHECK(lines.size() == 3000 + 3);
    CHECK(lines.count("mg k2999\r") == 1);
    CHECK(std::count(client.last_steps.begin(), client.last_steps.end(), Next::write_first) > 2);
}

TEST_CASE("a dump that fits the output still lets others run") {
    TestService service;
    service.settings_to_change().output_high_water_bytes = 1 << 20;
    Client client(service);
    for (int i = 0; i < 5000; ++i)
        client.say("set k" + std::to_string(i) + " 0 0 1\r\nx\r\n");
    client.last_steps.clear();
    client.say("lru_crawler metadump all\r\n");
    CHECK(std::count(client.last_steps.begin(), client.last_steps.end(), Next::yield) > 2);
}

TEST_CASE("a cachedump gives as many items as it was asked for") {
    TestService service;
    Client client(service);
    for (int i = 0; i < 500; ++i)
        client.say("set k" + std::to_string(i) + " 0 0 1\r\nx\r\n");
    CHECK(lines_of(client.say("stats cachedump 1 7\r\n")).size() == 8);
    CHECK(lines_of(client.say("stats cachedump 1 0\r\n")).size() == 501);
    CHECK(client.say("stats cachedump 63 0\r\n") == "END\r\n");
    CHECK(client.say("stats cachedump 64 0\r\n") == "CLIENT_ERROR Illegal slab id\r\n");
}

TEST_CASE("dumps can be forbidden") {
    TestService service;
    service.settings_to_change().dump_enabled = false;
    CHECK(Client(service).say("stats cachedump 1 0\r\n") ==
          "CLIENT_ERROR stats cachedump not allowed\r\n");
    CHECK(Client(service).say("lru_crawler metadump all\r\n") == "ERROR metadump not allowed\r\n");
    CHECK(Client(service).say("lru_crawler mgdump all\r\n") == "ERROR key dump not allowed\r\n");
}

TEST_CASE("nothing may stand before a dump in the same packet, and a forbidden one is none") {
    TestService service;
    CHECK(Client(service).say("version\r\nlru_crawler metadump all\r\n") ==
          "VERSION 1.6.45\r\nERROR cannot pipeline other commands before metadump\r\n");
    service.settings_to_change().dump_enabled = false;
    CHECK(Client(service).say("mn\r\nlru_crawler metadump all\r\n") ==
          "MN\r\nERROR metadump not allowed\r\n");
}

}  // namespace twincached::protocol::test
