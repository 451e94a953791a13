#include "replication/pair/exchange/exchange_context.hpp"

namespace twincached::replication::pair {

ExchangeStats ExchangeContext::stats() const noexcept {
    ExchangeStats stats;
    stats.unacked = sum(&ShardTracking::log_entries);
    stats.log_bytes = sum(&ShardTracking::log_bytes);
    stats.dirty_buckets = sum(&ShardTracking::dirty);
    stats.walking_buckets = sum(&ShardTracking::walking);
    for (unsigned i = 0; i < sink.shard_count(); ++i) {
        const auto& tracking = sink.shard(i);
        stats.digest ^= tracking.digest.load(std::memory_order_relaxed);
        stats.log_limit_bytes += tracking.log.capacity();
        stats.log_overflows += tracking.counters.get(TrackingCounter::overflows);
        stats.dropped_in_doubt += tracking.counters.get(TrackingCounter::dropped_in_doubt);
        stats.conflicts += tracking.counters.get(TrackingCounter::conflicts);
        stats.bumps_dropped += tracking.counters.get(TrackingCounter::bumps_dropped);
        stats.evicted_before_send += tracking.counters.get(TrackingCounter::evicted_before_send);
    }
    stats.records_sent = counters.get(ExchangeCounter::records_sent);
    stats.records_received = counters.get(ExchangeCounter::records_received);
    stats.bytes_sent = counters.get(ExchangeCounter::bytes_sent);
    stats.bytes_received = counters.get(ExchangeCounter::bytes_received);
    stats.lists_sent = counters.get(ExchangeCounter::lists_sent);
    stats.lists_received = counters.get(ExchangeCounter::lists_received);
    stats.digests_sent = counters.get(ExchangeCounter::digests_sent);
    stats.digests_denied = counters.get(ExchangeCounter::digests_denied);
    stats.wanted_by_us = counters.get(ExchangeCounter::wanted_by_us);
    stats.wanted_by_peer = counters.get(ExchangeCounter::wanted_by_peer);
    stats.stale_rejected = counters.get(ExchangeCounter::stale_rejected);
    stats.apply_nomem = counters.get(ExchangeCounter::apply_nomem);
    stats.peer_nomem = counters.get(ExchangeCounter::peer_nomem);
    stats.resyncs = counters.get(ExchangeCounter::resyncs);
    stats.scrub_rounds = counters.get(ExchangeCounter::scrub_rounds);
    stats.scrub_told = counters.get(ExchangeCounter::scrub_told);
    stats.scrub_compared = counters.get(ExchangeCounter::scrub_compared);
    stats.scrub_differing = counters.get(ExchangeCounter::scrub_differing);
    stats.scrub_one_sided = counters.get(ExchangeCounter::scrub_one_sided);
    stats.scrub_defects = counters.get(ExchangeCounter::scrub_defects);
    stats.bumps_sent = counters.get(ExchangeCounter::bumps_sent);
    stats.bumps_received = counters.get(ExchangeCounter::bumps_received);
    return stats;
}

Traffic ExchangeContext::traffic() const noexcept {
    using enum ExchangeCounter;
    return {counters.get(records_sent), counters.get(bytes_sent) + counters.get(bytes_received)};
}

}  // namespace twincached::replication::pair
