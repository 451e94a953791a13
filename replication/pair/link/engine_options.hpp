// What an engine is made of, besides the store and its sink. Defaults are those of the rows; the
// driver puts in what was chosen, and what only it can know. Plain values.
#pragma once

#include "replication/arbitration_desk.hpp"
#include "replication/pair/link/handshake.hpp"
#include "replication/pair/link/proof.hpp"
#include "replication/pair/pair_options.hpp"
#include "replication/pair/timing.hpp"
#include "replication/replication_options.hpp"
#include "storage/store_options.hpp"

#include <chrono>
#include <cstdint>
#include <string>

namespace twincached::replication::pair {

struct EngineOptions {
    Self self;
    PairOptions chosen = default_options();
    Timing timing = default_timing();
    bool has_peer = true;  // else the node serves at once, and calls nobody
    Entropy entropy{};     // random; decides nonces and jitter
    std::chrono::milliseconds drain_timeout = default_replication_options().drain_timeout;
    std::uint64_t item_size_limit_bytes = storage::default_store_options().item_size_limit_bytes;
    std::string peer_place;        // where the peer is called, for lines of log; empty: unknown
    std::string software_version;  // told to the peer, for its operator
    std::string settings;          // see settings_to_compare
    ArbitrationDesk::Options arbitration = default_arbitration_options();
    ArbitrationDesk* desk = nullptr;  // null: no client of this node asks
};

}  // namespace twincached::replication::pair
