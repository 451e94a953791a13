#include "replication/nats/log/items_in_doubt.hpp"

namespace twincached::replication::nats {

void drop_item_in_doubt(ClusterContext& context, storage::Shard& shard, const storage::Key& key,
                        storage::Version held) {
    const auto number = context.store->shard_of(key.hash);
    shard.drop_in_doubt(key, context.now);
    // The same may be given again.
    const auto older = storage::write_of(held) - 1;
    context.sink.removals(number).note(key.hash, older, context.end_of_log());
    if (storage::origin_of(held) == context.options.node) {
        context.tracking(number).tell_removal(key, older);
        context.sink.note_untold_removal(number, storage::bucket_of(key.hash));
    }
    context.sink.changes().refresh(number);
}

}  // namespace twincached::replication::nats
