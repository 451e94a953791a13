// What an operator may decide of a cluster over NATS. The rows fill this struct; what is meant as
// with a pair (cluster, heartbeat, silence, tls and the like) has its row there. Plain values;
// every member has its default in its row.
#pragma once

#include "lib/option_row.hpp"
#include "lib/option_structs.hpp"
#include "lib/option_value.hpp"
#include "lib/tls_context.hpp"
#include "replication/nats/jetstream/api.hpp"
#include "replication/nats/jetstream/names.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace twincached::replication::nats {

struct NatsOptions {
    std::vector<std::string> servers;  // host, host:port, nats://host:port, tls://host:port
    std::string user;
    std::string password_file;
    std::string token_file;
    std::string credentials;
    std::string inbox_prefix;
    std::string stream;  // empty: see stream_of
    std::int32_t replicas{};
    Storage storage{};
    std::chrono::milliseconds max_age{};
    std::uint64_t max_bytes{};
    std::string site;
    std::vector<std::string> sites;  // name, or name@domain
    std::string domain;
    std::chrono::milliseconds member_timeout{};
    std::uint64_t batch_bytes{};
};

std::span<const lib::OptionRow> nats_option_rows() noexcept;

// Each is well by itself, but together they make no sense.
std::vector<lib::OptionProblem> problems_of(const lib::OptionStructs& options);

// There is a broker.
bool is_nats(const lib::OptionStructs& options) noexcept;

// With what certificates the servers are spoken to; none: without TLS.
std::optional<lib::TlsSettings> broker_tls_settings(const lib::OptionStructs& options);

// What an operator would regret.
std::vector<std::string> regrets(const lib::OptionStructs& options);

// A sentence for each file that a connection could not read now, and may be able to later. Reads
// them.
std::vector<std::string> files_to_come(const lib::OptionStructs& options);

// "nats://host:port" of a server as an operator writes it. The error is a sentence.
lib::Parsed<std::string> server_url(std::string_view text);

// REQUIRES: problems_of found nothing.
Names names_of(const lib::OptionStructs& options);

}  // namespace twincached::replication::nats
