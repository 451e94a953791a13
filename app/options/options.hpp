// Everything an operator can decide, as typed values. Plain data: filled once at start-up by
// option_reader.hpp from defaults, file and command line (in that order of strength), constant
// afterwards. Defaults stand in the option table alone, so the members have none here.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace twincached::app {

struct Options {
    // [network]
    std::vector<std::string> listen;  // empty: all interfaces
    std::int64_t port = 0;            // 0 none, -1 ephemeral
    std::int64_t udp_port = 0;
    std::string unix_socket;
    std::string unix_mask;  // octal, as written
    std::int64_t backlog = 0;
    std::string protocol;  // auto | ascii | binary

    // [process]
    bool daemon = false;
    std::string pid_file;
    std::string user;
    std::int64_t threads = 0;
    bool core_dumps = false;
    bool lock_memory = false;
    bool huge_pages = false;
    std::chrono::milliseconds stop_timeout{};

    // [memory]
    std::uint64_t memory_limit_bytes = 0;
    bool evictions = false;
    std::uint64_t item_size_limit_bytes = 0;
    bool cas = false;
    double growth_factor = 0;
    std::int64_t chunk_size = 0;
    std::string memory_file;  // empty: items do not survive a restart
    std::chrono::milliseconds memory_file_timeout{};

    // [limits]
    std::int64_t connections = 0;
    bool reject_fast = false;
    std::int64_t requests_per_event = 0;
    std::chrono::milliseconds idle_timeout{};
    std::chrono::milliseconds write_timeout{};
    std::chrono::milliseconds request_timeout{};
    std::int64_t connections_per_address = 0;
    std::uint64_t buffer_memory_bytes = 0;  // 0: no limit

    // [access]
    std::string auth_file;
    bool sasl = false;
    std::string sasl_file;
    std::vector<std::string> proxies;

    // [tls], for clients
    bool tls = false;
    std::string tls_chain_cert;
    std::string tls_key;
    std::string tls_key_format;  // PEM | DER
    std::int64_t tls_verify_mode = 0;
    std::string tls_ca_cert;
    std::string tls_ciphers;
    std::string tls_min_version;  // tlsv1.0 to tlsv1.3, or 0 to 3
    std::uint64_t tls_write_buffer_bytes = 0;
    bool tls_session_cache = false;
    std::chrono::milliseconds tls_handshake_timeout{};

    // [commands]
    bool flush_all = false;
    bool dumps = false;
    bool watch = false;
    bool hot_keys = false;
    bool shutdown = false;
    bool test_commands = false;

    // [log]
    std::int64_t verbosity = 0;
    std::string log_file;  // empty: stderr, which is the journal under systemd
    bool syslog = false;

    // [replication]
    std::string driver;
    std::string peer;            // host, host:port, [address]:port
    std::int64_t peer_port = 0;  // if `peer` names none
    std::string link_listen;     // port, host:port, [address]:port
    std::string node;
    std::string cluster;
    std::string secret;
    std::string secret_file;
    std::string ack;  // async | received
    std::chrono::milliseconds ack_timeout{};
    bool ack_required = false;
    std::string on_split;       // both | secondary-readonly | secondary-closed
    std::string on_peer_crash;  // keep | flush
    std::int64_t link_protocol = 0;
    std::uint64_t log_memory_bytes = 0;
    std::uint64_t sync_rate_bytes = 0;
    std::chrono::milliseconds scrub_interval{};
    std::chrono::milliseconds boot_grace{};
    std::chrono::milliseconds heartbeat{};
    std::chrono::milliseconds silence{};
    std::chrono::milliseconds sync_serve_timeout{};
    std::chrono::milliseconds drain_timeout{};
    std::chrono::milliseconds clock_max_ahead{};
    bool link_tls = false;
    std::string link_certificate;
    std::string link_key;
    std::string link_ca;
    std::string link_peer_name;
    std::vector<std::string> link_peer_fingerprints;

    // What is accepted for memcached's sake and shown by `stats settings`, but steers nothing:
    // option name -> value as text.
    std::map<std::string, std::string, std::less<>> reported;
};

}  // namespace twincached::app
