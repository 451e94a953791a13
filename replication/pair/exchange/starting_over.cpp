#include "replication/pair/exchange/starting_over.hpp"

#include <cstddef>
#include <string>
#include <vector>

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

void drop_all_items(ExchangeContext& context, const storage::Now& now) {
    std::vector<std::string> keys;
    for (std::size_t b = 0; b < storage::bucket_count; ++b) {
        const auto bucket = static_cast<storage::BucketNumber>(b);
        context.with_shard(context.store->shard_of_bucket(bucket), [&](storage::Shard& shard) {
            keys.clear();
            lib::MemoryGuard guard;
            const auto visit =
                guard.over([&](const storage::ItemView& item) { keys.emplace_back(item.key); });
            shard.visit_bucket(bucket, now, visit);
            guard.finish();
            for (const auto& key : keys)
                shard.drop_in_doubt(context.store->key(key), now);
        });
    }
}

}  // namespace twincached::replication::pair
