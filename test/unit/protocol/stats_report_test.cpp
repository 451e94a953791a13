#include "protocol/reports/stats_report.hpp"

#include "test/unit/protocol/test_service.hpp"

#include <catch2/catch.hpp>

#include <array>
#include <map>
#include <sstream>
#include <string>
#include <vector>

namespace twincached::protocol::test {

namespace {

// What memcached 1.6.45 prints, in its order.
const std::vector<std::string> peer_keys = {
    "pid",
    "uptime",
    "time",
    "version",
    "libevent",
    "pointer_size",
    "rusage_user",
    "rusage_system",
    "max_connections",
    "curr_connections",
    "total_connections",
    "rejected_connections",
    "connection_structures",
    "response_obj_oom",
    "response_obj_count",
    "response_obj_bytes",
    "read_buf_count",
    "read_buf_bytes",
    "read_buf_bytes_free",
    "read_buf_oom",
    "reserved_fds",
    "cmd_get",
    "cmd_set",
    "cmd_flush",
    "cmd_touch",
    "cmd_meta",
    "get_hits",
    "get_misses",
    "get_expired",
    "get_flushed",
    "delete_misses",
    "delete_hits",
    "incr_misses",
    "incr_hits",
    "decr_misses",
    "decr_hits",
    "cas_misses",
    "cas_hits",
    "cas_badval",
    "touch_hits",
    "touch_misses",
    "store_too_large",
    "store_no_memory",
    "auth_cmds",
    "auth_errors",
    "bytes_read",
    "bytes_written",
    "limit_maxbytes",
    "accepting_conns",
    "listen_disabled_num",
    "time_in_listen_disabled_us",
    "threads",
    "conn_yields",
    "hash_power_level",
    "hash_bytes",
    "hash_is_expanding",
    "slab_reassign_rescues",
    "slab_reassign_chunk_rescues",
    "slab_reassign_inline_reclaim",
    "slab_reassign_busy_items",
    "slab_reassign_busy_deletes",
    "slab_reassign_busy_nomem",
    "slab_reassign_last_busy_status",
    "slab_reassign_running",
    "slabs_moved",
    "lru_crawler_running",
    "lru_crawler_starts",
    "lru_maintainer_juggles",
    "malloc_fails",
    "log_worker_dropped",
    "log_worker_written",
    "log_watcher_skipped",
    "log_watcher_sent",
    "log_watchers",
    "unexpected_napi_ids",
    "round_robin_fallback",
    "bytes",
    "curr_items",
    "total_items",
    "slab_global_page_pool",
    "expired_unfetched",
    "evicted_unfetched",
    "evicted_active",
    "evictions",
    "reclaimed",
    "crawler_reclaimed",
    "crawler_items_checked",
    "lrutail_reflocked",
    "moves_to_cold",
    "moves_to_warm",
    "moves_within_lru",
    "direct_reclaims",
    "lru_bumps_dropped",
};

struct Report {
    std::vector<std::string> keys;
    std::map<std::string, std::string> values;
    std::string last_line;
};

Report ask(TestService& service, std::string_view request) {
    std::istringstream lines(Client(service).say(std::string(request) + "\r\n"));
    Report report;
    for (std::string line; std::getline(lines, line);) {
        line.pop_back();
        std::istringstream words(line);
        std::string word;
        std::string key;
        std::string value;
        std::string more;
        words >> word >> key >> value >> more;
        report.last_line = line;
        if (word != "STAT") continue;
        INFO(line);
        CHECK_FALSE(value.empty());
        CHECK(more.empty());
        report.keys.push_back(key);
        report.values[key] = value;
    }
    return report;
}

bool is_number(const std::string& text) {
    return text.find_first_not_of("0123456789.") == std::string::npos;
}

}  // namespace

TEST_CASE("stats prints the keys of memcached in its order, then our own") {
    TestService service;
    const auto report = ask(service, "stats");
    REQUIRE(report.keys.size() > peer_keys.size());
    CHECK(std::vector(report.keys.begin(),
                      report.keys.begin() + static_cast<std::ptrdiff_t>(peer_keys.size())) ==
          peer_keys);
    CHECK(report.last_line == "END");
    CHECK(report.values.contains("repl_state"));
    CHECK(report.values.contains("twincached_version"));
    CHECK(report.values.at("idle_kicks") == "3");
}

TEST_CASE("no key of stats holds a colon, and its values are numbers") {
    TestService service;
    const auto report = ask(service, "stats");
    for (const auto& [key, value] : report.values) {
        INFO(key << " " << value);
        CHECK(key.find(':') == std::string::npos);
        const bool is_word = key == "slab_reassign_last_busy_status" || key == "repl_state" ||
                             key == "version" || key == "twincached_version";
        CHECK((is_word || is_number(value)));
    }
}

TEST_CASE("stats knows what the process, the counters and the store know") {
    TestService service;
    Client client(service);
    client.say(
        "set a 0 0 1\r\nx\r\nget a\r\nget b c\r\nincr a 1\r\ndelete a\r\nset b 0 0 1\r\ny\r\n");
    client.say(
        "touch b 0\r\ntouch q 0\r\ngat 0 b q\r\ncas b 0 0 1 1\r\nz\r\ncas q 0 0 1 1\r\nz\r\n");
    const auto values = ask(service, "stats").values;
    CHECK(values.at("pid") == "42");
    CHECK(values.at("time") == std::to_string(some_time().unix_seconds));
    CHECK(values.at("version") == "1.6.45");
    CHECK(values.at("cmd_get") == "3");
    CHECK(values.at("get_hits") == "1");
    CHECK(values.at("get_misses") == "2");
    CHECK(values.at("cmd_set") == "4");
    CHECK(values.at("cmd_touch") == "4");
    CHECK(values.at("touch_hits") == "2");
    CHECK(values.at("touch_misses") == "2");
    CHECK(values.at("delete_hits") == "1");
    CHECK(values.at("cas_badval") == "1");
    CHECK(values.at("cas_misses") == "1");
    CHECK(values.at("curr_items") == "1");
    CHECK(values.at("bytes") == "61");
    CHECK(values.at("limit_maxbytes") == "67108864");
}

TEST_CASE("a cas is a hit, a bad value or a miss, and a set is none of them") {
    TestService service;
    Client client(service);
    const auto counts = [&service] {
        return std::array{service.total(Count::cas_hits), service.total(Count::cas_badval),
                          service.total(Count::cas_misses)};
    };
    client.say("set a 0 0 1\r\nx\r\n");
    CHECK(counts() == std::array<std::uint64_t, 3>{0, 0, 0});
    const auto shown = client.say("mg a c\r\n");
    const auto unique = shown.substr(4, shown.size() - 6);
    REQUIRE(client.say("cas a 0 0 1 " + unique + "\r\ny\r\n") == "STORED\r\n");
    CHECK(counts() == std::array<std::uint64_t, 3>{1, 0, 0});
    REQUIRE(client.say("cas a 0 0 1 " + unique + "\r\nz\r\n") == "EXISTS\r\n");
    CHECK(counts() == std::array<std::uint64_t, 3>{1, 1, 0});
    REQUIRE(client.say("cas b 0 0 1 " + unique + "\r\nz\r\n") == "NOT_FOUND\r\n");
    CHECK(counts() == std::array<std::uint64_t, 3>{1, 1, 1});
}

TEST_CASE("stats reset zeroes the counters and keeps the items") {
    TestService service;
    Client client(service);
    client.say("set a 0 0 1\r\nx\r\nget a\r\n");
    CHECK(client.say("stats reset\r\n") == "RESET\r\n");
    const auto values = ask(service, "stats").values;
    CHECK(values.at("cmd_get") == "0");
    CHECK(values.at("cmd_set") == "0");
    CHECK(values.at("curr_items") == "1");
}

TEST_CASE("stats tells what writers had to wait for, and what moved between slabs") {
    auto options = TestService::small_store();
    options.memory_limit_bytes = 8 << 20;
    TestService service(options);
    Client client(service);
    const std::string value(1000, 'v');
    const auto set = [&](int number) {
        client.say("set k" + std::to_string(number) + " 0 0 1000\r\n" + value + "\r\n");
    };
    set(0);
    CHECK(ask(service, "stats").values.at("direct_reclaims") == "0");
    for (int i = 0; i < 20'000; ++i)
        set(i);
    // Of what is left, nine of ten go: their slabs are worth emptying. What is young in them moves.
    for (int i = 0; i < 20'000; ++i) {
        if (i % 10 != 0) client.say("delete k" + std::to_string(i) + "\r\n");
    }
    for (int i = 20'000; i < 30'000; ++i)
        set(i);
    const auto values = ask(service, "stats").values;
    CHECK(std::stoul(values.at("direct_reclaims")) > 10);
    CHECK(std::stoul(values.at("slabs_moved")) > 10);
    CHECK(std::stoul(values.at("slab_reassign_rescues")) > 0);
    CHECK(client.say("stats reset\r\n") == "RESET\r\n");
    for (const auto* key : {"direct_reclaims", "slabs_moved", "slab_reassign_rescues"})
        CHECK(ask(service, "stats").values.at(key) == "0");
}

TEST_CASE("stats items and stats slabs speak of memcached's size classes") {
    TestService service;
    Client client(service);
    client.say("set a 0 0 1\r\nx\r\nset b 0 0 200\r\n" + std::string(200, 'v') + "\r\nget a\r\n");
    client.say("gat 0 a\r\n");
    const auto items = ask(service, "stats items").values;
    CHECK(items.size() == 2 * 28);
    CHECK(items.at("items:1:hits_to_cold") == "2");
    CHECK(items.at("items:6:hits_to_cold") == "0");
    CHECK(items.at("items:1:number") == "1");
    CHECK(items.at("items:1:mem_requested") == "61");
    CHECK(items.at("items:6:number") == "1");
    const auto slabs = ask(service, "stats slabs");
    CHECK(slabs.values.at("1:chunk_size") == "96");
    CHECK(slabs.values.at("1:chunks_per_page") == "10922");
    CHECK(slabs.values.at("1:get_hits") == "1");
    CHECK(slabs.values.at("6:cmd_set") == "1");
    CHECK(slabs.values.at("active_slabs") == "2");
    CHECK(slabs.values.at("total_malloced") == "2097152");
    CHECK(slabs.keys.size() == 2 * 15 + 2);
}

TEST_CASE("the other reports come from those who know") {
    TestService service;
    CHECK(Client(service).say("stats settings\r\n") == "STAT maxbytes 67108864\r\nEND\r\n");
    CHECK(Client(service).say("stats conns\r\nmn\r\n") ==
          "STAT 27:state conn_read\r\nSTAT 28:state conn_read\r\nEND\r\nMN\r\n");
    CHECK(Client(service).say("stats replication\r\n") ==
          "STAT repl_state alone\r\nSTAT repl_peer \r\nSTAT repl_last_event two words\r\nEND\r\n");
    CHECK(Client(service).say("stats sizes\r\n") == "STAT sizes_status disabled\r\nEND\r\n");
    CHECK(Client(service).say("stats bogus\r\n") == "ERROR\r\n");
}

TEST_CASE("plain stats have three words to a line, whatever replication has to tell") {
    TestService service;
    const auto stats = ask(service, "stats");
    CHECK(stats.values.at("repl_state") == "alone");
    CHECK(stats.values.count("repl_peer") == 0);
    CHECK(stats.values.count("repl_last_event") == 0);
}

TEST_CASE("no crawl is under way once it is answered") {
    TestService service;
    Client client(service);
    CHECK(client.say("lru_crawler crawl 1\r\n") == "OK\r\n");
    const auto values = ask(service, "stats").values;
    CHECK(values.at("lru_crawler_running") == "0");
    CHECK(values.at("lru_crawler_starts") == "1");
}

TEST_CASE(
    "a meta get with T is a touch where it finds something, and a get that misses elsewhere") {
    TestService service;
    Client client(service);
    client.say("mg absent T5\r\nmg absent q T5\r\n");
    auto values = ask(service, "stats").values;
    CHECK(values.at("cmd_get") == "2");
    CHECK(values.at("get_misses") == "2");
    CHECK(values.at("cmd_touch") == "0");
    CHECK(values.at("touch_misses") == "0");
    client.say("set a 0 0 1\r\nx\r\nmg a T5\r\nmg made N5 T9\r\n");
    values = ask(service, "stats").values;
    CHECK(values.at("cmd_get") == "2");
    CHECK(values.at("cmd_touch") == "2");
    CHECK(values.at("touch_hits") == "2");
    const auto classes = client.say("stats slabs\r\n");
    CHECK(classes.find("STAT 1:touch_hits 2\r\n") != std::string::npos);
    CHECK(classes.find("STAT 1:get_hits 0\r\n") != std::string::npos);
}

TEST_CASE("a meta delete counts what it deletes, and as a miss what its token does not let it") {
    TestService service;
    Client client(service);
    client.say("set a 0 0 1\r\nx\r\nmd a I\r\nmd a x\r\n");
    auto values = ask(service, "stats").values;
    CHECK(values.at("delete_hits") == "0");
    CHECK(values.at("delete_misses") == "0");
    client.say("md a C99999\r\nmd absent\r\n");
    values = ask(service, "stats").values;
    CHECK(values.at("delete_hits") == "0");
    CHECK(values.at("delete_misses") == "2");
    client.say("md a\r\n");
    CHECK(ask(service, "stats").values.at("delete_hits") == "1");
}

TEST_CASE("stats detail counts by prefix while it is on") {
    TestService service;
    Client client(service);
    client.say("set early:a 0 0 1\r\nx\r\n");
    CHECK(client.say("stats detail on\r\n") == "OK\r\n");
    client.say("set user:a 0 0 1\r\nx\r\nget user:a user:b plain\r\nget user:a\r\n");
    client.say("delete user:a\r\ngat 0 page:q\r\nget :empty\r\n");
    CHECK(client.say("stats detail off\r\n") == "OK\r\n");
    client.say("get user:a\r\n");
    CHECK(lines_of(client.say("stats detail dump\r\n")) ==
          std::multiset<std::string>{"PREFIX page get 1 hit 0 set 0 del 0",
                                     "PREFIX user get 3 hit 2 set 1 del 1", "END"});
}

TEST_CASE("plain stats fit into the buffer of collectd, however much there is to say of a pair") {
    TestService service;
    service.more_replication_stats = 200;
    const auto answer = Client(service).say("stats\r\n");
    CHECK(answer.size() < 4096);
    CHECK(answer.size() > 3900);
    CHECK(answer.find("STAT repl_state alone\r\n") != std::string::npos);
    CHECK(answer.find("STAT replication MASTER\r\n") != std::string::npos);
    CHECK(Client(service).say("stats replication\r\n").find("repl_number_199 ") !=
          std::string::npos);
}

}  // namespace twincached::protocol::test
