#include "replication/pair/exchange/starting_over.hpp"

namespace twincached::replication::pair {
namespace {

// REQUIRES: no list is under way.
void forget_floors(Buckets& buckets, storage::Version newer_than) noexcept {
    for (std::size_t b = buckets.first(); b <= buckets.last(); ++b) {
        const auto bucket = static_cast<storage::BucketNumber>(b);
        if (buckets.floor(bucket) > newer_than)
            buckets.restore(bucket, 0, buckets.is_dirty(bucket));
    }
}

}  // namespace

void mark_all_dirty(ExchangeContext& context, storage::Version floor) noexcept {
    mark_all_dirty(context.sink, *context.store, floor);
    context.counters.add(ExchangeCounter::resyncs);
}

// The clocks first: what is written from then on is right, and what was written until then goes.
void restart_versions(ExchangeContext& context, const storage::VersionGate& gate,
                      const storage::Now& now) noexcept {
    context.store->restart_versions(gate, wall_version_ms(now), now);
    drop_items(context.sink, *context.store, gate.last(), now);
    for (unsigned i = 0; i < context.sink.shard_count(); ++i) {
        auto& buckets = context.sink.shard(i).buckets;
        context.store->with_shard(i, [&](storage::Shard&) { forget_floors(buckets, gate.last()); });
    }
}

}  // namespace twincached::replication::pair
