// A change of the primary, as one of the two nodes saw it: when, from whom to whom, why, and what
// the node that tells of it had written and the other had not confirmed. A value, and its line in
// the file; pure.
#pragma once

#include "replication/replicator.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace twincached::app {

struct Failover {
    std::int64_t at_ms = 0;  // since 1970, by this node's clock
    std::string from;        // a, b; empty: this node had not met the primary
    std::string to;
    std::string here;  // which of the two this node was
    std::string why;
    std::uint64_t unconfirmed = 0;
};

// As the file and /history have it: one JSON object, without the end of the line.
std::string json_of(const Failover& failover);
// None: it is no such line. A later version may have written more into it.
std::optional<Failover> failover_of(std::string_view line);

Failover failover_at(std::int64_t unix_ms, const replication::RoleChange& change);

}  // namespace twincached::app
