// What the engine of a cluster's node is made of, besides its store, its sink and its broker. The
// driver puts in what was chosen, and what only it can know. Plain values.
#pragma once

#include "replication/nats/broker.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace twincached::replication::nats {

// Versions have two bits for the node that made them.
inline constexpr unsigned nodes_limit = 4;

constexpr std::uint64_t ms_of(std::chrono::milliseconds ms) noexcept {
    return static_cast<std::uint64_t>(ms.count());
}

// Of a message, with its header; with less than that no broker, and no setting, is of any use.
inline constexpr std::size_t message_least_bytes = 8U << 10;

struct ClusterOptions {
    using ms = std::chrono::milliseconds;

    unsigned node = 0;  // below nodes_limit; another for each node of the cluster, on all its sites
    std::uint64_t incarnation = 0;  // random, another in each life of a node
    // The streams that are read, by what all nodes call them alike; the first is this site's own.
    std::vector<std::string> streams = {"MC"};

    ms heartbeat{1000};         // a node that has nothing to say says so as often
    ms member_timeout{30'000};  // who was silent for longer is waited for by nobody
    ms boot_grace{3000};        // after so long without anybody to learn from a node begins alone
    ms sync_serve{300'000};     // a node that is still filling after so long serves what it has
    // A reply that was asked for and has not come; the broker gives up by itself, later.
    ms answer_timeout{3000};

    // Of a message, if the broker allows as many; at least `message_least_bytes`.
    std::size_t batch_bytes = 256U << 10;
    std::size_t removals_bytes = 16U << 20;  // what remembering removals may take
    std::uint64_t sync_rate_bytes = 0;       // per second, of what is fetched; 0: no limit
    std::uint64_t clock_max_ahead_ms = 24ULL * 3600 * 1000;
};

}  // namespace twincached::replication::nats
