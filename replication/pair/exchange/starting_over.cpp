#include "replication/pair/exchange/starting_over.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>

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
    for (unsigned i = 0; i < context.sink.shard_count(); ++i) {
        std::optional<std::uint64_t> next = std::uint64_t{context.sink.shard(i).buckets.first()}
                                            << 48;
        while (next) {
            context.store->with_shard(i, [&](storage::Shard& shard) {
                next = shard.disown_some(*next, newer_than, now);
            });
        }
    }
}

// The clocks first: what is written from then on is right, and what was written until then goes.
void restart_versions(ExchangeContext& context, const storage::VersionGate& gate,
                      const storage::Now& now) noexcept {
    context.store->restart_versions(gate, now);
    drop_items(context, gate.last(), now);
    for (unsigned i = 0; i < context.sink.shard_count(); ++i) {
        auto& buckets = context.sink.shard(i).buckets;
        context.store->with_shard(i, [&](storage::Shard&) { forget_floors(buckets, gate.last()); });
    }
}

}  // namespace twincached::replication::pair
