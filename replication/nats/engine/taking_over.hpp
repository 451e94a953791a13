// What a node takes from its donor before it compares buckets with it: flushes, clocks and what was
// ever let go, so that it judges others as the donor would; and, if it does not know its place in
// the log, the donor's: who speaks, how far each has come, which removals are remembered. From
// there on it reads by itself. On the replication thread.
#pragma once

#include "replication/nats/broker.hpp"
#include "replication/nats/log/cluster_context.hpp"
#include "replication/nats/walk/questions.hpp"

namespace twincached::replication::nats {

void take_registers(ClusterContext& context, const GivenState& state);

// False: the donor reads other streams than this node, or other ones of the same name.
[[nodiscard]] bool take_place(ClusterContext& context, Broker& broker, const GivenState& state);

}  // namespace twincached::replication::nats
