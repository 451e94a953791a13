// Items that may have been removed, or overtaken: something newer was let go of their bucket, of a
// key that is not known any more. They are dropped; that nothing older of theirs comes back is
// remembered, and told to others, who may not have heard of it, where this node has written them.
// On the replication thread; REQUIRES of all: the shard's lock.
#pragma once

#include "lib/allocation.hpp"
#include "replication/nats/log/cluster_context.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace twincached::replication::nats {

// Of that hash, if what is held is older than that; empty: it is not.
std::string key_held_before(const ClusterContext& context, storage::Shard& shard,
                            std::uint64_t hash, storage::Version version);

void drop_item_in_doubt(ClusterContext& context, storage::Shard& shard, const storage::Key& key,
                        storage::Version held);

// Drops what is older than the floor, but for what is `spared(item)`. Throws std::bad_alloc.
template <class Spared>
void drop_items_in_doubt(ClusterContext& context, storage::Shard& shard,
                         storage::BucketNumber bucket, storage::Version floor, Spared spared) {
    struct Doomed {
        std::string key;
        std::uint64_t hash;
        storage::Version version;
    };
    std::vector<Doomed> doomed;
    lib::MemoryGuard guard;
    const auto visit = guard.over([&](const storage::ItemView& item) {
        if (item.version != 0 && item.version < floor && !spared(item))
            doomed.push_back({std::string(item.key), item.hash, item.version});
    });
    shard.visit_bucket(bucket, context.now, visit);
    guard.finish();
    for (const auto& item : doomed)
        drop_item_in_doubt(context, shard, {item.key, item.hash}, item.version);
}

}  // namespace twincached::replication::nats
