// What the driver tells the engine of its options, with the randomness that only the system has.
// One of the driver's files. Start-up only.
#pragma once

#include "replication/pair/link/engine.hpp"
#include "replication/replicator.hpp"

namespace twincached::replication::pair {

// Each call makes another incarnation. Throws std::runtime_error if there is no randomness.
EngineOptions engine_options(const Setup& setup, unsigned node);

}  // namespace twincached::replication::pair
