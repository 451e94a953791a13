// What is done to the whole of a node's data when one of the two incarnations is another than the
// one that log and buckets speak of (rules R12 and R15). Shard by shard and in steps, so that no
// client waits for more than a moment. On the replication strand; REQUIRES: no session.
#pragma once

#include "replication/changes/starting_over.hpp"
#include "replication/pair/exchange/exchange_context.hpp"
#include "storage/now.hpp"
#include "storage/version.hpp"

namespace twincached::replication::pair {

// Nothing is known of what the peer has: all buckets are dirty, the log is empty. What the peer
// offers is taken if it is newer than `floor`, should this node lack it.
void mark_all_dirty(ExchangeContext& context, storage::Version floor) noexcept;

}  // namespace twincached::replication::pair
