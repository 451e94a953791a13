#include "replication/changes/starting_over.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>

namespace twincached::replication {

void mark_all_dirty(ChangeSink& sink, storage::Store& store, storage::Version floor) noexcept {
    for (unsigned i = 0; i < sink.shard_count(); ++i)
        mark_shard_dirty(sink.shard(i), store, i, floor);
}

void mark_shard_dirty(ShardTracking& tracking, storage::Store& store, unsigned number,
                      storage::Version floor) noexcept {
    mark_shard_dirty(tracking, store, number, floor,
                     [&](const ChangeLog::Folded& removed) { tracking.keep_in_floor(removed); });
}

void drop_items(ChangeSink& sink, storage::Store& store, storage::Version newer_than,
                const storage::Now& now) noexcept {
    for (unsigned i = 0; i < sink.shard_count(); ++i) {
        std::optional<std::uint64_t> next = std::uint64_t{sink.shard(i).buckets.first()} << 48;
        while (next) {
            store.with_shard(i, [&](storage::Shard& shard) {
                next = shard.disown_some(*next, newer_than, now);
            });
        }
    }
}

void forget_newer(ChangeSink& sink, storage::Store& store, storage::Version newer_than,
                  const storage::Now& now) noexcept {
    drop_items(sink, store, newer_than, now);
    for (unsigned i = 0; i < sink.shard_count(); ++i) {
        auto& buckets = sink.shard(i).buckets;
        store.with_shard(i, [&](storage::Shard&) {
            for (std::size_t b = buckets.first(); b <= buckets.last(); ++b) {
                const auto bucket = static_cast<storage::BucketNumber>(b);
                if (buckets.floor(bucket) > newer_than)
                    buckets.restore(bucket, 0, buckets.is_dirty(bucket));
            }
        });
    }
}

}  // namespace twincached::replication
