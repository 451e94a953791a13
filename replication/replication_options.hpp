// What an operator may decide whatever the driver is; a driver's own settings stand in its folder.
// The rows fill this struct and the ack gate's. Plain values; every member has its default in its
// row. The row of `driver`, which names all drivers, is the registry's.
#pragma once

#include "lib/option_row.hpp"
#include "lib/option_structs.hpp"
#include "lib/option_value.hpp"
#include "lib/result.hpp"
#include "replication/arbitration_desk.hpp"

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace twincached::replication {

// When a change is answered: at once, or when another node has it.
enum class AckMode : std::uint8_t { async, received };

struct ReplicationOptions {
    std::string driver;   // "auto" until all options are read
    std::string cluster;  // equal on all its nodes; others refuse each other
    std::string secret;   // empty: see secret_of
    std::string secret_file;
    std::string old_secret_file;
    AckMode ack{};
    std::uint64_t log_memory_bytes{};  // for changes that no other node has confirmed
    std::chrono::milliseconds drain_timeout{};
};

std::span<const lib::OptionRow> option_rows() noexcept;

inline ReplicationOptions default_replication_options() {
    return lib::option_defaults<ReplicationOptions>(option_rows());
}

inline ArbitrationDesk::Options default_arbitration_options() {
    return lib::option_defaults<ArbitrationDesk::Options>(option_rows());
}

// Each is well by itself, but together they make no sense.
std::vector<lib::OptionProblem> problems_of(const lib::OptionStructs& options);

// What the nodes know and nobody else. While it is exchanged a node knows two: it lets in who
// proves either, and proves itself by the one that the other node knows.
struct Secrets {
    std::string current;  // empty: there is none
    std::string old;      // accepted as well; empty: none

    bool operator==(const Secrets&) const = default;
};

// Reads their files, where they stand in some; the error is a sentence that names the file.
lib::Parsed<Secrets> secrets_of(const ReplicationOptions& options);

}  // namespace twincached::replication
