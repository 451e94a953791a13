#include "replication/changes/starting_over.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace twincached::replication {
namespace {

// step(shard, hash) gives the hash to go on with, or nothing; clients come between two steps.
template <class Step>
void each_step(ChangeSink& sink, storage::Store& store, Step step) noexcept {
    for (unsigned i = 0; i < sink.shard_count(); ++i) {
        std::optional<std::uint64_t> next = std::uint64_t{sink.shard(i).buckets.first()} << 48;
        while (next)
            store.with_shard(i, [&](storage::Shard& shard) { next = step(shard, *next); });
    }
}

}  // namespace

void mark_all_dirty(ChangeSink& sink, storage::Store& store, storage::Version floor) noexcept {
    for (unsigned i = 0; i < sink.shard_count(); ++i)
        mark_shard_dirty(sink.shard(i), store, i, floor);
}

void mark_shard_dirty(ShardTracking& tracking, storage::Store& store, unsigned number,
                      storage::Version floor) noexcept {
    mark_shard_dirty(tracking, store, number, floor,
                     [&](const ChangeLog::Folded& removed) { tracking.keep_in_floor(removed); });
}

void drop_items(ChangeSink& sink, storage::Store& store, const storage::Now& now) noexcept {
    each_step(sink, store, [&](storage::Shard& shard, std::uint64_t hash) {
        return shard.disown_some(hash, now);
    });
}

storage::ClockLead lead_of(const storage::Store& store, std::uint64_t right_ms,
                           const storage::Now& now) noexcept {
    right_ms = std::max<std::uint64_t>(1, right_ms);
    const auto led_ms = std::max(store.version_time() >> 10, now.version_ms);
    return {right_ms, led_ms - std::min(led_ms, right_ms)};
}

// What was flushed goes before the clocks do: it would be newer than the flush for a moment. The
// clocks go before the items: what is written meanwhile is right.
void correct_versions(ChangeSink& sink, storage::Store& store, const storage::ClockLead& lead,
                      const storage::Now& now) noexcept {
    if (store.flush_version() != lead.corrected(store.flush_version())) {
        each_step(sink, store, [&](storage::Shard& shard, std::uint64_t hash) {
            return shard.drop_some_flushed(hash, now);
        });
    }
    store.restart_versions(lead, now);
    each_step(sink, store, [&](storage::Shard& shard, std::uint64_t hash) {
        return shard.correct_some(hash, lead);
    });
    for (unsigned i = 0; i < sink.shard_count(); ++i) {
        auto& buckets = sink.shard(i).buckets;
        store.with_shard(i, [&](storage::Shard&) {
            for (std::size_t b = buckets.first(); b <= buckets.last(); ++b) {
                const auto bucket = static_cast<storage::BucketNumber>(b);
                buckets.restore(bucket, lead.corrected(buckets.floor(bucket)),
                                buckets.is_dirty(bucket));
            }
        });
    }
}

}  // namespace twincached::replication
