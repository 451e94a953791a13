#include "replication/pair/exchange/starting_over.hpp"

#include <cstddef>

namespace twincached::replication::pair {

// The log is folded by and by: a client that writes meanwhile waits for some thousands of entries,
// not for all of them. What it writes goes into buckets that are dirty already.
void mark_all_dirty(ExchangeContext& context, storage::Version floor) noexcept {
    constexpr std::size_t entries_per_lock = 4096;
    for (unsigned i = 0; i < context.sink.shard_count(); ++i) {
        auto& tracking = context.sink.shard(i);
        context.store->with_shard(i, [&](storage::Shard&) { tracking.mark_all_dirty(floor); });
        for (bool done = false; !done;) {
            context.store->with_shard(
                i, [&](storage::Shard&) { done = tracking.fold_some(entries_per_lock); });
        }
    }
    context.counters.add(ExchangeCounter::resyncs);
}

void drop_items(ExchangeContext& context, storage::Version newer_than,
                const storage::Now& now) noexcept {
    for (std::size_t b = 0; b < storage::bucket_count; ++b) {
        const auto bucket = static_cast<storage::BucketNumber>(b);
        context.store->with_shard(
            context.store->shard_of_bucket(bucket),
            [&](storage::Shard& shard) { shard.drop_bucket_in_doubt(bucket, newer_than, now); });
    }
}

// The clocks first: what is written from then on is right, and what was written until then goes.
void restart_versions(ExchangeContext& context, const storage::VersionGate& gate,
                      const storage::Now& now) noexcept {
    context.store->restart_versions(gate, now);
    drop_items(context, gate.last(), now);
    for (unsigned i = 0; i < context.sink.shard_count(); ++i) {
        auto& buckets = context.sink.shard(i).buckets;
        context.store->with_shard(i, [&](storage::Shard&) { buckets.lower_floors(gate.last()); });
    }
}

}  // namespace twincached::replication::pair
