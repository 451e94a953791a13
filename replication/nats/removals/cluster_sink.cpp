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
    const auto bucket = storage::bucket_of(change.key.hash);
    if (change.before != 0) {
        auto& removals = *removals_[shard];
        if (change.cause == Cause::evicted) removals.raise_evicted(bucket, change.before);
        if (change.cause == Cause::expired) removals.raise_removed(bucket, change.before);
    }
    const auto ticket = changes_.on_change(shard, change);
    if (change.after == 0) note_untold_removal(shard, bucket);
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
    const auto& removals = *removals_[shard];
    const auto removed = is_taking_from_donor_ ? removals.known_beside_donor(key.hash, present)
                                               : removals.known(key.hash, present);
    return std::max(changes_.known_version(shard, key, present), removed);
}

}  // namespace twincached::replication::nats
