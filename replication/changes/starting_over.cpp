#include "replication/changes/starting_over.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>

namespace twincached::replication {

void mark_all_dirty(ChangeSink& sink, storage::Store& store, storage::Version floor) noexcept {
    for (unsigned i = 0; i < sink.shard_count(); ++i)
        mark_shard_dirty(sink.shard(i), store, i, floor);
}

// The log is folded by and by: a client that writes meanwhile waits for some thousands of entries,
// not for all of them. What it writes goes into buckets that are dirty already.
void mark_shard_dirty(ShardTracking& tracking, storage::Store& store, unsigned number,
                      storage::Version floor) noexcept {
    constexpr std::size_t entries_per_lock = 4096;
    store.with_shard(number, [&](storage::Shard&) { tracking.mark_all_dirty(floor); });
    for (bool is_done = false; !is_done;) {
        store.with_shard(number,
                         [&](storage::Shard&) { is_done = tracking.fold_some(entries_per_lock); });
    }
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
