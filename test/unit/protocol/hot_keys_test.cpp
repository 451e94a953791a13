#include "protocol/observation/hot_keys.hpp"
#include "protocol/observation/heavy_hitters.hpp"
#include "protocol/observation/prefix_stats.hpp"
#include "test/unit/protocol/test_service.hpp"

#include <catch2/catch.hpp>

#include <cstdlib>
#include <map>
#include <string>

namespace twincached::protocol::test {

namespace {

std::uint64_t chosen_seed() {
    const char* given = std::getenv("TWINCACHED_SEED");
    return given != nullptr ? std::strtoull(given, nullptr, 0) : 20'261'122;
}

}  // namespace

TEST_CASE("as long as all keys fit, heavy hitters are exact and in order") {
    HeavyHitters sketch(4);
    for (const auto& [key, weight] : {std::pair{"a", 3}, {"b", 9}, {"c", 1}, {"b", 1}, {"d", 5}})
        sketch.add(key, static_cast<std::uint64_t>(weight));
    const auto top = sketch.top(3);
    REQUIRE(top.size() == 3);
    CHECK(std::string(top[0].key) == "b");
    CHECK(top[0].weight == 10);
    CHECK(std::string(top[1].key) == "d");
    CHECK(std::string(top[2].key) == "a");
    CHECK(top[2].error == 0);
    CHECK(sketch.total() == 19);
    sketch.clear();
    CHECK(sketch.top(3).empty());
    CHECK(sketch.total() == 0);
}

TEST_CASE("heavy hitters keep every heavy key, and their bounds hold, whatever the stream") {
    const auto seed = chosen_seed();
    CAPTURE(seed);
    lib::Random random(seed);
    constexpr std::size_t capacity = 64;
    HeavyHitters sketch(capacity);
    std::map<std::string, std::uint64_t> truth;
    for (int i = 0; i < 40'000; ++i) {
        // A few keys have half of all requests, the rest is spread thin.
        const auto number = random.one_in(2) ? random.below(10) : 10 + random.below(20'000);
        const auto key = "key" + std::to_string(number);
        const auto weight = 1 + random.below(8);
        truth[key] += weight;
        sketch.add(key, weight);
    }
    std::map<std::string, HeavyHitters::Entry> found;
    for (const auto& entry : sketch.top(capacity)) {
        found[std::string(entry.key)] = entry;
        const auto exact = truth[std::string(entry.key)];
        CHECK(entry.weight >= exact);
        CHECK(entry.weight - entry.error <= exact);
    }
    for (const auto& [key, weight] : truth) {
        if (weight > sketch.total() / capacity) CHECK(found.count(key) == 1);
    }
    CHECK(found.size() == capacity);
}

TEST_CASE("hot keys tell the heaviest keys and prefixes by requests and by bytes") {
    TestService service;
    Client client(service);
    REQUIRE(client.say("stats hotkeys on\r\n") == "OK\r\n");
    client.say("set big:one 0 0 5000\r\n" + std::string(5000, 'v') +
               "\r\nset small:x 0 0 1\r\nv\r\n");
    std::string requests;
    for (int i = 0; i < 20'000; ++i) {
        requests += "get small:x\r\nget other" + std::to_string(i) + "\r\n";
        if (i % 8 == 0) requests += "get big:one\r\n";
    }
    client.say(requests);
    const auto report = client.say("stats hotkeys 1\r\n");
    CHECK(report.find("STAT hotkeys on\r\n") != std::string::npos);
    CHECK(report.find("STAT key_requests:1 small%3Ax ") != std::string::npos);
    CHECK(report.find("STAT key_bytes:1 big%3Aone ") != std::string::npos);
    CHECK(report.find("STAT prefix_requests:1 small ") != std::string::npos);
    CHECK(report.find("STAT prefix_bytes:1 big ") != std::string::npos);
    CHECK(report.find("STAT key_requests:2") == std::string::npos);
    // What was sampled, scaled up, is near the truth.
    const auto requests_seen = service.shared().observation.hot_keys.requests();
    CHECK(requests_seen > 34'000);
    CHECK(requests_seen < 51'000);
    CHECK(client.say("stats reset\r\n") == "RESET\r\n");
    CHECK(service.shared().observation.hot_keys.requests() == 0);
    CHECK(client.say("stats hotkeys\r\n").find("STAT hotkeys on\r\n") == 0);
    CHECK(client.say("stats hotkeys off\r\n") == "OK\r\n");
    CHECK(client.say("stats hotkeys\r\n") ==
          "STAT hotkeys off\r\nSTAT sampled_one_in 100\r\nSTAT requests 0\r\nSTAT bytes "
          "0\r\nEND\r\n");
    CHECK(client.say("stats hotkeys maybe\r\n") ==
          "CLIENT_ERROR usage: stats hotkeys [on|off|<lines>]\r\n");
}

TEST_CASE("prefixes without number and without end are counted as overflow") {
    PrefixStats stats;
    stats.count_set(std::string(PrefixStats::prefix_bytes_limit, 'p') + ":k", ':');
    CHECK(stats.prefixes() == 1);
    CHECK(stats.overflow() == 0);
    stats.count_get(std::string(PrefixStats::prefix_bytes_limit + 1, 'p') + ":k", ':', true);
    CHECK(stats.prefixes() == 1);
    CHECK(stats.overflow() == 1);
    for (std::size_t i = 0; i < 2 * PrefixStats::prefix_limit; ++i)
        stats.count_get("prefix" + std::to_string(i) + ":k", ':', false);
    CHECK(stats.prefixes() <= PrefixStats::prefix_limit);
    CHECK(stats.prefixes() > PrefixStats::prefix_limit * 3 / 4);
    CHECK(stats.prefixes() + stats.overflow() == 2 * PrefixStats::prefix_limit + 2);
    stats.clear();
    CHECK(stats.prefixes() == 0);
    CHECK(stats.overflow() == 0);
}

TEST_CASE("what memcached's administrators set is shown, even where it has no meaning here") {
    TestService service;
    Client client(service);
    auto& reported = service.shared().reported;
    CHECK(client.say(
              "slabs automove 0\r\nslabs automove window 30\r\nslabs automove ratio 0.5\r\n") ==
          "OK\r\nOK\r\nOK\r\n");
    CHECK(client.say("lru tune 10 25 0.1 2.0\r\nlru mode flat\r\nlru temp_ttl 90\r\n") ==
          "OK\r\nOK\r\nOK\r\n");
    CHECK(client.say("lru_crawler sleep 50\r\nlru_crawler tocrawl 9\r\nlru_crawler disable\r\n") ==
          "OK\r\nOK\r\nOK\r\n");
    const std::pair<const char*, const char*> expected[] = {
        {"slab_automove", "0"},     {"slab_automove_window", "30"}, {"slab_automove_ratio", "0.5"},
        {"hot_lru_pct", "10"},      {"warm_lru_pct", "25"},         {"hot_max_factor", "0.1"},
        {"warm_max_factor", "2.0"}, {"lru_segmented", "no"},        {"temporary_ttl", "90"},
        {"temp_lru", "yes"},        {"lru_crawler_sleep", "50"},    {"lru_crawler_tocrawl", "9"},
        {"lru_crawler", "no"}};
    for (const auto& [key, value] : expected) {
        CAPTURE(key);
        CHECK(reported.get(key) == std::optional<std::string>(value));
    }
    CHECK(client.say("slabs automove 3\r\n") == "ERROR\r\n");
    CHECK(reported.get("slab_automove") == std::optional<std::string>("0"));
}

TEST_CASE("a crawler that is switched off crawls and dumps nothing until it is switched on") {
    TestService service;
    Client client(service);
    client.say("set a 0 0 1\r\nv\r\nlru_crawler disable\r\n");
    const std::string disabled = "CLIENT_ERROR lru crawler disabled\r\n";
    for (const std::string what : {"crawl", "metadump", "mgdump"}) {
        CAPTURE(what);
        CHECK(client.say("lru_crawler " + what + " all\r\n") == disabled);
        CHECK(client.say("lru_crawler " + what + " none\r\n") == disabled);
        CHECK(client.say("lru_crawler " + what + "\r\n") == "ERROR\r\n");
    }
    CHECK(service.shared().reported.crawls() == 0);
    CHECK(client.say("lru_crawler sleep 5\r\n") == "OK\r\n");
    CHECK(client.say("lru_crawler enable\r\n") == "OK\r\n");
    CHECK(client.say("lru_crawler crawl all\r\n") == "OK\r\n");
    CHECK(client.say("lru_crawler mgdump all\r\n") == "OK\r\nmg a\r\nEN\r\n");
    CHECK(service.shared().reported.crawls() == 2);
}

TEST_CASE("without a maintainer nobody turns its screws, nor reassigns slabs where none may be") {
    TestService service;
    Client client(service);
    auto& settings = service.settings_to_change();
    settings.maintainer_enabled = false;
    for (const std::string line : {"lru mode flat", "lru mode segmented", "lru temp_ttl 5"})
        CHECK(client.say(line + "\r\n") == "ERROR\r\n");
    CHECK(client.say("lru tune 10 25 0.1 2.0\r\n") == "OK\r\n");
    CHECK(client.say("slabs reassign 1 2\r\n") == "NOSPARE source class has no spare pages\r\n");
    settings.reassign_enabled = false;
    CHECK(client.say("slabs reassign 1 2\r\nslabs reassign x 2\r\n") ==
          "CLIENT_ERROR slab reassignment disabled\r\n"
          "CLIENT_ERROR slab reassignment disabled\r\n");
    CHECK(client.say("slabs reassign 1\r\nslabs automove 1\r\n") == "ERROR\r\nOK\r\n");
}

TEST_CASE("stats sizes tells item sizes in steps of 32 bytes if they are tracked") {
    TestService service;
    Client client(service);
    CHECK(client.say("stats sizes\r\n") == "STAT sizes_status disabled\r\nEND\r\n");
    service.settings_to_change().track_sizes = true;
    client.say("set a 0 0 1\r\nv\r\nset b 0 0 1\r\nv\r\nset c 0 0 100\r\n" + std::string(100, 'v') +
               "\r\n");
    CHECK(client.say("stats sizes\r\n") == "STAT 96 2\r\nSTAT 192 1\r\nEND\r\n");
}

TEST_CASE("deletes are counted in the class of what was deleted") {
    TestService service;
    Client client(service);
    client.say("set a 0 0 100\r\n" + std::string(100, 'v') + "\r\nset b 0 0 100\r\n" +
               std::string(100, 'v') + "\r\ndelete a\r\ndelete a\r\n");
    CHECK(client.say("stats slabs\r\n").find("STAT 4:delete_hits 1\r\n") != std::string::npos);
}

}  // namespace twincached::protocol::test
