// What a node of a cluster takes with it over a warm restart: whether others were there when it
// stopped, the era that it was of, and of every bucket the newest that ever left it, so that it can
// still tell what was removed from what is news, and the newest removal that it had not told yet,
// which it has yet to tell. Bytes in, bytes out; the change log is folded first. Little-endian:
//
//     "cluster 3" | u8 alone? | u64 era | n times: u16 bucket, u64 newest that left, u64 not told
//
// On the replication thread; no other thread may use the store meanwhile.
#pragma once

#include "replication/nats/log/cluster_context.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace twincached::replication::nats {

std::string write_memory(ClusterContext& context);

struct ClusterMemory {
    bool was_alone = false;
    Era era = 0;
};
// Some version of this driver made it, and not another driver.
bool is_memory(std::string_view bytes) noexcept;
// Nothing, and the sink unchanged, if it is not what write_memory made, or tells of a version that
// the gate does not let pass.
std::optional<ClusterMemory> read_memory(std::string_view bytes, ClusterContext& context);

}  // namespace twincached::replication::nats
