#include "replication/nats/removals/cluster_sink.hpp"

#include <algorithm>

namespace twincached::replication::nats {

ClusterSink::ClusterSink(unsigned shards, std::size_t log_memory_bytes, AckGate* gate,
                         std::size_t removals_bytes)
    : changes_(shards, log_memory_bytes, gate),
      removed_at_(make_zeroed<ChangeLog::Position>(storage::bucket_count)) {
    const std::size_t buckets = storage::bucket_count / shards;
    for (unsigned i = 0; i < shards; ++i) {
        const auto first = static_cast<storage::BucketNumber>(i * buckets);
        removals_.push_back(std::make_unique<KeptRemovals>(
            first, buckets, removals_bytes / KeptRemovals::removal_bytes / shards));
    }
}

// What leaves by this node's own decision is no news for others, but what is older than it may
// still come. What clients delete is in the change log until it has a place in the cluster's.
storage::Ticket ClusterSink::on_change(unsigned shard, const storage::Change& change) noexcept {
    using storage::Cause;
    const bool is_own_decision = change.cause == Cause::evicted || change.cause == Cause::expired ||
                                 change.cause == Cause::in_doubt;
    if (is_own_decision && change.before != 0)
        removals_[shard]->raise_floor(storage::bucket_of(change.key.hash), change.before);
    const auto ticket = changes_.on_change(shard, change);
    if (change.after == 0) note_untold_removal(shard, storage::bucket_of(change.key.hash));
    return ticket;
}

void ClusterSink::note_untold_removal(unsigned shard, storage::BucketNumber bucket) noexcept {
    const auto& tracking = changes_.shard(shard);
    if (tracking.buckets.last_logged(bucket) < tracking.log.head()) return;
    removed_at_[bucket] = tracking.log.tail();
}

bool ClusterSink::has_untold_removal(unsigned shard, storage::BucketNumber bucket) const noexcept {
    const auto& log = changes_.shard(shard).log;
    return !log.empty() && log.head() < removed_at_[bucket];
}

storage::Version ClusterSink::known_version(unsigned shard, const storage::Key& key,
                                            bool present) noexcept {
    return std::max(changes_.known_version(shard, key, present),
                    removals_[shard]->known(key.hash, present));
}

}  // namespace twincached::replication::nats
