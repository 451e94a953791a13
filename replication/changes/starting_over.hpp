// What is done to the whole of a node's data when it is not known any more what others have of it,
// or what it holds does not count. Shard by shard and in steps, so that no client waits for more
// than a moment. On the replication thread; REQUIRES: no bucket is under way.
#pragma once

#include "replication/changes/change_sink.hpp"
#include "storage/now.hpp"
#include "storage/store.hpp"
#include "storage/version.hpp"

#include <cstddef>
#include <cstdint>

namespace twincached::replication {

// Nothing is known of what others have: all buckets are dirty, each with that floor at least, and
// the change log is empty.
void mark_all_dirty(ChangeSink& sink, storage::Store& store, storage::Version floor) noexcept;

// The same for one shard.
void mark_shard_dirty(ShardTracking& tracking, storage::Store& store, unsigned number,
                      storage::Version floor) noexcept;

// The same, and of what the log says was removed the floors say nothing: `removed(folded)` does.
// The log is folded by and by: a client that writes meanwhile waits for some thousands of entries,
// not for all of them. What it writes goes into buckets that are dirty already.
template <class Removed>
void mark_shard_dirty(ShardTracking& tracking, storage::Store& store, unsigned number,
                      storage::Version floor, Removed removed) noexcept {
    constexpr std::size_t entries_per_lock = 4096;
    store.with_shard(number, [&](storage::Shard&) { tracking.mark_all_dirty(floor); });
    const auto fold_some = [&] {
        bool is_done = false;
        store.with_shard(number, [&](storage::Shard&) {
            is_done = tracking.fold_some(entries_per_lock, removed);
        });
        return is_done;
    };
    while (!fold_some()) {
    }
}

// Drops every item, as if it had never been here.
void drop_items(ChangeSink& sink, storage::Store& store, const storage::Now& now) noexcept;

// How far a clock that was wrong, and is right now, at `right_ms`, has led the versions: version
// time still runs by it, or else the newest of them says so.
storage::ClockLead lead_of(const storage::Store& store, std::uint64_t right_ms,
                           const storage::Now& now) noexcept;
// They begin anew at what it says now, and those of items, flushes and floors are
// corrected. REQUIRES: all buckets are dirty.
void correct_versions(ChangeSink& sink, storage::Store& store, const storage::ClockLead& lead,
                      const storage::Now& now) noexcept;

}  // namespace twincached::replication
