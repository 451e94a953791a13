#include "replication/nats/log/items_in_doubt.hpp"

namespace twincached::replication::nats {

std::string key_held_before(const ClusterContext& context, storage::Shard& shard,
                            std::uint64_t hash, storage::Version version) {
    std::string key;
    lib::MemoryGuard guard;
    const auto visit = guard.over([&](const storage::ItemView& item) {
        if (item.version != 0 && item.version < version) key = item.key;
    });
    shard.peek_hash(hash, context.now, visit);
    guard.finish();
    return key;
}

void drop_item_in_doubt(ClusterContext& context, storage::Shard& shard, const storage::Key& key,
                        storage::Version held) {
    const auto number = context.store->shard_of(key.hash);
    shard.drop_in_doubt(key, context.now);
    const bool is_own = storage::origin_of(held) == context.options.node;
    // The same may be given again; of a touch that may not have been told none must stay without.
    const auto older = (is_own ? held : storage::write_of(held)) - 1;
    context.sink.removals(number).note(key.hash, older, context.end_of_log());
    if (is_own) context.tell_kept_removal(number, key, older);
    context.sink.changes().refresh(number);
}

}  // namespace twincached::replication::nats
