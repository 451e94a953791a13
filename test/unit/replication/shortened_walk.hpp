// A session of nodes that never met walks all 65,536 buckets, which takes longer than all else that
// a test of the engine does. Those that hold nothing and remember nothing are taken as walked, but
// for some all over them, so that there still is a walk.
#pragma once

#include "replication/changes/change_sink.hpp"
#include "storage/store.hpp"

#include <cstddef>
#include <vector>

namespace twincached::replication::pair {

struct KeptBucket {
    storage::BucketNumber bucket;
    storage::Version floor;
    bool is_dirty;
};

// All others are as if the peer had confirmed them.
inline void leave_only(const std::vector<KeptBucket>& kept, Buckets& buckets) {
    buckets.forget();
    for (const auto& one : kept)
        buckets.restore(one.bucket, one.floor, one.is_dirty);
}

inline std::vector<bool> used_buckets(storage::Store& store) {
    std::vector<bool> used(storage::bucket_count);
    if (store.stats().total.items == 0) return used;
    store.save([&](const storage::SavedItem& item) {
        used[storage::bucket_of(store.key(item.key).hash)] = true;
        return true;
    });
    return used;
}

// To be called between a session's beginning and its first frames; harmless at any other time. With
// more than `few_items` the walk is left as long as it is.
inline void shorten_walk(ChangeSink& sink, storage::Store& store, std::size_t few_items) {
    constexpr std::size_t one_in = 512;
    for (unsigned shard = 0; shard < sink.shard_count(); ++shard) {
        auto& buckets = sink.shard(shard).buckets;
        const auto count = std::size_t{buckets.last()} - buckets.first() + 1U;
        if (buckets.dirty_count() < count || buckets.walking_count() != 0) continue;
        if (store.stats().total.items > few_items) return;
        const auto used = used_buckets(store);
        std::vector<KeptBucket> kept;
        for (std::size_t b = buckets.first(); b <= buckets.last(); ++b) {
            const auto bucket = static_cast<storage::BucketNumber>(b);
            const auto floor = buckets.floor(bucket);
            const bool is_dirty = b % one_in == 0 || used[b] || (few_items > 0 && floor != 0);
            if (is_dirty || floor != 0) kept.push_back({bucket, floor, is_dirty});
        }
        leave_only(kept, buckets);
        sink.refresh(shard);
    }
}

}  // namespace twincached::replication::pair
