// What an operator may decide of the pair, as written: every member has its default in its row.
// Plain values. Addresses are texts, which whoever owns sockets reads.
#pragma once

#include "lib/option_row.hpp"

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace twincached::replication::pair {

struct PairOptions {
    std::string peer;          // host, host:port, [address]:port
    std::int32_t peer_port{};  // if `peer` names none
    std::string link_listen;   // port, host:port, [address]:port
    std::string node;
    std::string cluster;
    std::string secret;
    std::string secret_file;
    std::string ack;  // async | received
    std::chrono::milliseconds ack_timeout{};
    bool ack_required{};
    std::string on_split;       // both | secondary-readonly | secondary-closed
    std::string on_peer_crash;  // keep | flush
    std::int32_t link_protocol{};
    std::uint64_t log_memory_bytes{};
    std::uint64_t sync_rate_bytes{};
    std::chrono::milliseconds scrub_interval{};
    std::chrono::milliseconds boot_grace{};
    std::chrono::milliseconds heartbeat{};
    std::chrono::milliseconds silence{};
    std::chrono::milliseconds sync_serve_timeout{};
    std::chrono::milliseconds drain_timeout{};
    std::chrono::milliseconds clock_max_ahead{};
    bool link_tls{};
    std::string link_certificate;
    std::string link_key;
    std::string link_ca;
    std::string link_peer_name;
    std::vector<std::string> link_peer_fingerprints;
};

std::span<const lib::OptionRow> pair_option_rows() noexcept;

// Each is well by itself, but together they make no sense.
std::vector<lib::OptionProblem> problems_of(const PairOptions& options);

}  // namespace twincached::replication::pair
