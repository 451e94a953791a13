// What a broker is spoken to about, and how patiently. Plain values; constant after the start.
#pragma once

#include "replication/nats/jetstream/api.hpp"
#include "replication/nats/jetstream/names.hpp"

#include <chrono>
#include <cstdint>
#include <string>

namespace twincached::replication::nats {

struct BrokerSettings {
    // On the node's own monotonic clock.
    using Instant = std::chrono::milliseconds;

    Names names;
    StreamSettings stream;
    // What is not answered after so long will not be. A broker that elects a leader says so at
    // once; one that is cut off says nothing.
    Instant patience{2000};
    // How long whoever has this node's number may take to say so.
    Instant claim_patience{500};
    Instant heartbeat{500};  // of consumers without messages; the broker wants 100 at least

    // This life of the node: random, and where it is, for those who find its number taken.
    std::uint64_t identity = 0;
    std::string place{};
};

}  // namespace twincached::replication::nats
