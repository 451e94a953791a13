// What must stand in the stream to the peer before something else may follow (rule A3): the newest
// change of the keys that share a bucket. Pure functions over the sink; the replication thread.
#pragma once

#include "replication/changes/change_sink.hpp"
#include "storage/store.hpp"

#include <cstdint>

namespace twincached::replication::pair {

// Of one key, as it was when it was noted.
struct StreamPlace {
    std::uint64_t hash = 0;
    ChangeLog::Position behind = 0;  // the newest entry of its bucket; 0: there was none
};

enum class Passage : std::uint8_t {
    sent,     // what was changed before is in the stream
    to_come,  // not yet
    unknown,  // the log has forgotten which keys of the bucket have changed: they are compared
};

inline StreamPlace place_in(ChangeSink& sink, storage::Store& store, std::uint64_t hash) noexcept {
    StreamPlace place{hash, 0};
    const auto shard = store.shard_of(hash);
    store.with_shard(shard, [&](storage::Shard&) {
        place.behind = sink.shard(shard).buckets.last_logged(storage::bucket_of(hash));
    });
    return place;
}

inline Passage passage_of(const StreamPlace& place, ChangeSink& sink,
                          storage::Store& store) noexcept {
    auto passage = Passage::sent;
    const auto shard = store.shard_of(place.hash);
    store.with_shard(shard, [&](storage::Shard&) {
        const auto& tracking = sink.shard(shard);
        const auto bucket = storage::bucket_of(place.hash);
        if (tracking.buckets.is_dirty(bucket) || tracking.buckets.is_walking(bucket)) {
            passage = Passage::unknown;
        } else if (!tracking.log.has_sent(place.behind)) {
            passage = Passage::to_come;
        }
    });
    return passage;
}

}  // namespace twincached::replication::pair
