#include "replication/pair/exchange/exchange_context.hpp"

namespace twincached::replication::pair {

ExchangeStats ExchangeContext::stats() const noexcept {
    ExchangeStats stats;
    stats.counted.add(counters);
    stats.unacked = sum(&ShardTracking::log_entries);
    stats.log_bytes = sum(&ShardTracking::log_bytes);
    stats.dirty_buckets = sum(&ShardTracking::dirty);
    stats.walking_buckets = sum(&ShardTracking::walking);
    for (unsigned i = 0; i < sink.shard_count(); ++i) {
        const auto& tracking = sink.shard(i);
        stats.tracked.add(tracking.counters);
        stats.digest ^= tracking.digest.load(std::memory_order_relaxed);
        stats.log_limit_bytes += tracking.log.capacity();
    }
    return stats;
}

Traffic ExchangeContext::traffic() const noexcept {
    using enum ExchangeCounter;
    return {counters.get(records_sent), counters.get(bytes_sent) + counters.get(bytes_received)};
}

}  // namespace twincached::replication::pair
