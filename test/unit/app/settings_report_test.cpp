#include "app/reports/settings_report.hpp"

#include "app/listeners/listener_options.hpp"
#include "app/options/command_line.hpp"
#include "app/server_options.hpp"
#include "storage/store_options.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <string>
#include <vector>

namespace twincached::app {
namespace {

using Lines = std::vector<std::string>;

Lines report(const std::vector<std::string>& arguments) {
    OptionReader reader(server_option_table());
    read_command_line(arguments, reader);
    REQUIRE(reader.problems().empty());
    const auto& options = reader.options();
    const SettingsState state{options.get<storage::StoreOptions>().memory_limit_bytes, 0,
                              options.get<ListenerOptions>().port, 0, false};
    Lines lines;
    report_settings(reader.options(), state, [&](std::string_view key, std::string_view value) {
        lines.push_back(std::string(key) + ' ' + std::string(value));
    });
    return lines;
}

bool contains(const Lines& lines, const std::string& line) {
    return std::find(lines.begin(), lines.end(), line) != lines.end();
}

// What memcached 1.6.45 printed, started with -l 127.0.0.1 -p 23911 -U 23911.
const Lines observed{
    "maxbytes 67108864",
    "maxconns 1024",
    "tcpport 23911",
    "udpport 23911",
    "inter 127.0.0.1",
    "verbosity 0",
    "oldest 0",
    "evictions on",
    "domain_socket NULL",
    "umask 700",
    "shutdown_command no",
    "growth_factor 1.25",
    "chunk_size 48",
    "num_threads 4",
    "num_threads_per_udp 4",
    "stat_key_prefix :",
    "detail_enabled no",
    "reqs_per_event 20",
    "cas_enabled yes",
    "tcp_backlog 1024",
    "binding_protocol auto-negotiate",
    "auth_enabled_sasl no",
    "auth_enabled_ascii no",
    "item_size_max 1048576",
    "maxconns_fast yes",
    "hashpower_init 0",
    "slab_reassign yes",
    "slab_automove 1",
    "slab_automove_ratio 0.80",
    "slab_automove_window 10",
    "slab_chunk_max 524288",
    "lru_crawler yes",
    "lru_crawler_sleep 100",
    "lru_crawler_tocrawl 0",
    "tail_repair_time 0",
    "flush_enabled yes",
    "dump_enabled yes",
    "hash_algorithm murmur3",
    "lru_maintainer_thread yes",
    "lru_segmented yes",
    "hot_lru_pct 20",
    "warm_lru_pct 40",
    "hot_max_factor 0.20",
    "warm_max_factor 2.00",
    "temp_lru no",
    "temporary_ttl 61",
    "idle_timeout 0",
    "watcher_logbuf_size 262144",
    "worker_logbuf_size 65536",
    "read_buf_mem_limit 0",
    "track_sizes no",
    "inline_ascii_response no",
    "ext_item_size 512",
    "ext_item_age 4294967295",
    "ext_low_ttl 0",
    "ext_recache_rate 2000",
    "ext_wbuf_size 4194304",
    "ext_compact_under 0",
    "ext_drop_under 0",
    "ext_max_sleep 1000000",
    "ext_max_frag 0.80",
    "slab_automove_freeratio 0.010",
    "ext_drop_unread no",
    "ssl_enabled no",
    "ssl_chain_cert (null)",
    "ssl_key (null)",
    "ssl_verify_mode 0",
    "ssl_keyformat 1",
    "ssl_ciphers NULL",
    "ssl_ca_cert NULL",
    "ssl_wbuf_size 16384",
    "ssl_session_cache no",
    "ssl_kernel_tls no",
    "ssl_min_version tlsv1.2",
    "num_napi_ids 0",
    "memory_file (null)",
    "client_flags_size 4",
};

}  // namespace

TEST_CASE("the settings are memcached's, in its order and words") {
    // What clients may hold half done has a limit here unless it is told otherwise.
    const auto lines =
        report({"-l", "127.0.0.1", "-p", "23911", "-U", "23911", "-o", "read_buf_mem_limit=0"});
    REQUIRE(lines.size() > observed.size());
    for (std::size_t i = 0; i < observed.size(); ++i)
        CHECK(lines[i] == observed[i]);
}

TEST_CASE("the settings say what the command line said") {
    const auto lines =
        report({"-M", "-C", "-A", "-F", "-b", "7", "-B", "ascii", "-s", "/tmp/x", "-o",
                "no_lru_crawler,idle_timeout=3,slab_chunk_max=256,no_maxconns_fast"});
    for (const auto* line :
         {"evictions off", "cas_enabled no", "shutdown_command yes", "flush_enabled no",
          "tcp_backlog 7", "binding_protocol ascii", "domain_socket /tmp/x", "lru_crawler no",
          "idle_timeout 3", "slab_chunk_max 262144", "maxconns_fast no", "inter NULL"}) {
        INFO(line);
        CHECK(contains(lines, line));
    }
}

TEST_CASE("options that memcached does not have follow its settings, by section and key") {
    const auto lines = report({"--peer=10.0.0.2", "--on-split=secondary-closed", "--silence=1500ms",
                               "--log-memory=32m", "--admin-listen=local,127.0.0.1:11280"});
    REQUIRE(lines.size() > observed.size());
    CHECK(lines[observed.size() - 1] == observed.back());
    for (const auto* line :
         {"replication_driver pair", "replication_peer 10.0.0.2", "replication_peer_port 11212",
          "replication_on_split secondary-closed", "replication_silence 1500ms",
          "replication_log_memory 32m", "replication_secret NULL", "replication_node NULL",
          "admin_listen local,127.0.0.1:11280", "process_drain_pause 0"}) {
        INFO(line);
        CHECK(contains(lines, line));
    }
}

TEST_CASE("the settings tell that there is a secret, and not which") {
    OptionReader reader(server_option_table());
    reader.read_content("[replication]\npeer = 10.0.0.2\nsecret = hushhush\n", "test");
    reader.finish();
    REQUIRE(reader.problems().empty());
    std::string told;
    report_settings(reader.options(), {}, [&](std::string_view key, std::string_view value) {
        CHECK(value.find("hushhush") == std::string_view::npos);
        if (key == "replication_secret") told = value;
    });
    CHECK(told == "********");
}

TEST_CASE("the settings name who must log in and by which protocol") {
    const auto sasl = report({"-S"});
    CHECK(contains(sasl, "auth_enabled_sasl yes"));
    CHECK(contains(sasl, "binding_protocol binary"));
    const auto login = report({"-Y", "/etc/passwords"});
    CHECK(contains(login, "auth_enabled_ascii /etc/passwords"));
    CHECK(contains(login, "binding_protocol ascii"));
    CHECK(contains(report({"-S", "-Y", "/x"}), "binding_protocol auto-negotiate"));
}

}  // namespace twincached::app
