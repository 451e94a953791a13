#include "replication/nats/engine/starting_over.hpp"

#include "lib/allocation.hpp"
#include "replication/nats/log/items_in_doubt.hpp"

#include <cstddef>
#include <cstdint>

namespace twincached::replication::nats {
namespace {

// `floor_of(bucket)`: 0 leaves it as it is.
template <class Floor>
void raise_floors(Buckets& buckets, Floor floor_of) {
    for (std::size_t b = buckets.first(); b <= buckets.last(); ++b) {
        const auto bucket = static_cast<storage::BucketNumber>(b);
        buckets.raise_floor(bucket, floor_of(bucket));
    }
}

// By their keys, as far as these are remembered, which says nothing of others of their buckets.
void tell_kept_again(ClusterContext& context) {
    context.untold.clear();
    for (unsigned i = 0; i < context.shard_count(); ++i) {
        context.with_shard(i, [&](storage::Shard&) {
            auto& buckets = context.tracking(i).buckets;
            auto& removals = context.sink.removals(i);
            raise_floors(buckets, [&](auto bucket) { return removals.take_untold(bucket); });
            removals.visit([&](std::uint64_t hash, storage::Version version, LogPlace) {
                if (!lib::has_memory_for([&] { context.untold.add(hash); }))
                    buckets.raise_floor(storage::bucket_of(hash), version);
            });
        });
    }
}

}  // namespace

// What was removed, and not told yet, is kept by its key as what was.
void mark_all_dirty(ClusterContext& context) {
    auto& changes = context.sink.changes();
    for (unsigned i = 0; i < context.shard_count(); ++i) {
        auto& removals = context.sink.removals(i);
        auto& tracking = context.tracking(i);
        context.with_shard(i, [&](storage::Shard&) { removals.lose_whole(); });
        mark_shard_dirty(tracking, *context.store, i, 0, [&](const ChangeLog::Folded& removed) {
            if (!removals.note_own(removed.hash, removed.version, nowhere_yet))
                tracking.keep_in_floor(removed);
        });
        context.with_shard(i, [&](storage::Shard&) { changes.refresh(i); });
    }
    tell_kept_again(context);
    tell_flushes(context);
}

void tell_flushes(ClusterContext& context) noexcept {
    auto& changes = context.sink.changes();
    if (context.store->flush_version() != 0) changes.tell_of_flush();
    if (context.store->flush_schedule().version != 0) changes.on_flush_scheduled(0, 0);
}

void unplace_removals(ClusterContext& context) {
    for (unsigned i = 0; i < context.shard_count(); ++i) {
        context.with_shard(i, [&](storage::Shard&) {
            auto& removals = context.sink.removals(i);
            raise_floors(context.tracking(i).buckets,
                         [&](auto bucket) { return removals.vouched(bucket); });
            removals.lose_places();
        });
    }
}

void tell_removals_again(ClusterContext& context) {
    unplace_removals(context);
    tell_kept_again(context);
}

void vouch_for_nothing(ClusterContext& context) noexcept {
    for (unsigned i = 0; i < context.shard_count(); ++i)
        context.with_shard(i,
                           [&](storage::Shard&) { context.sink.removals(i).vouch_for_nothing(); });
}

// What is news of this node's own it tells, and whoever knows better says so.
void drop_what_is_in_doubt(ClusterContext& context) {
    for (unsigned i = 0; i < context.shard_count(); ++i) {
        auto& removals = context.sink.removals(i);
        const auto& buckets = context.tracking(i).buckets;
        const auto is_news = [&](const storage::ItemView& item) {
            return context.is_to_be_told(i, item);
        };
        for (std::size_t b = buckets.first(); b <= buckets.last(); ++b) {
            const auto bucket = static_cast<storage::BucketNumber>(b);
            context.with_shard(i, [&](storage::Shard& shard) {
                if (removals.is_whole(bucket)) return;
                if (const auto floor = removals.doubt(bucket); floor != 0)
                    drop_items_in_doubt(context, shard, bucket, floor, is_news);
                removals.begin_alone_with(bucket);
            });
        }
    }
}

void correct_versions(ClusterContext& context) {
    mark_all_dirty(context);
    const auto lead = lead_of(*context.store, wall_version_ms(context.now), context.now);
    for (unsigned i = 0; i < context.shard_count(); ++i) {
        context.with_shard(i, [&](storage::Shard&) {
            auto& removals = context.sink.removals(i);
            removals.correct(lead);
            removals.lose_places();
        });
    }
    replication::correct_versions(context.sink.changes(), *context.store, lead, context.now);
}

void settle_as_reference(ClusterContext& context, BatchSender& sender) {
    for (unsigned i = 0; i < context.shard_count(); ++i) {
        context.with_shard(i, [&](storage::Shard&) {
            auto& buckets = context.tracking(i).buckets;
            for (std::size_t b = buckets.first(); b <= buckets.last(); ++b) {
                const auto bucket = static_cast<storage::BucketNumber>(b);
                if (buckets.floor(bucket) == 0) {
                    buckets.restore(bucket, 0, false);
                    continue;
                }
                sender.tell_uncompared(buckets, bucket);
            }
            context.sink.changes().refresh(i);
        });
    }
}

}  // namespace twincached::replication::nats
