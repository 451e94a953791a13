// The pair's driver as the rest of the program sees it: its row in the registry. Behind it stands
// the engine with sockets, a thread and a clock around it. Everything that decides is in the
// Engine; here is only what cannot be tested without a network.
#pragma once

#include "replication/pair/pair_options.hpp"
#include "replication/replicator_factory.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace twincached::replication::pair {

// Throws std::invalid_argument with a sentence for a person, for example if the node cannot tell
// which of the two it is.
std::unique_ptr<Replicator> make_pair_replicator(const Setup& setup, Events events);

// The link's own end.
std::optional<ListeningPlace> listening_place(const Setup& setup);

std::vector<std::string> warnings_of(const Setup& setup);
// Of a peer's name that does not resolve.
std::vector<std::string> warnings_from_outside(const Setup& setup);

inline constexpr ReplicatorFactory pair_factory{
    .name = "pair",
    .make = make_pair_replicator,
    .rows = pair_option_rows,
    .check = problems_of,
    .is_meant = is_pair,
    .wants = "a peer",
    .given_by = "-x, or peer in [replication]",
    .listens_at = listening_place,
    .warnings = warnings_of,
    .warnings_from_outside = warnings_from_outside,
    .patience = patience_of_peer,
    .tls = link_tls_settings,
};

}  // namespace twincached::replication::pair
