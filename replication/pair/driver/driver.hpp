// The pair replicator as the rest of the program sees it: the engine with sockets, a thread and a
// clock around it. Everything that decides is in the Engine; here is only what cannot be tested
// without a network.
#pragma once

#include "replication/replicator.hpp"

#include <memory>

namespace twincached::replication::pair {

// Throws std::invalid_argument with a sentence for a person, for example if the node cannot tell
// which of the two it is.
std::unique_ptr<Replicator> make_pair_replicator(const Options& options, Events events,
                                                 unsigned shards);

}  // namespace twincached::replication::pair
