// What is done to the whole of a node's data when it is not known any more what others have of it,
// or what it holds does not count. Shard by shard and in steps, so that no client waits for more
// than a moment. On the replication thread; REQUIRES: no bucket is under way.
#pragma once

#include "replication/changes/change_sink.hpp"
#include "storage/now.hpp"
#include "storage/store.hpp"
#include "storage/version.hpp"

namespace twincached::replication {

// Nothing is known of what others have: all buckets are dirty, each with that floor at least, and
// the change log is empty.
void mark_all_dirty(ChangeSink& sink, storage::Store& store, storage::Version floor) noexcept;

// The same for one shard.
void mark_shard_dirty(ShardTracking& tracking, storage::Store& store, unsigned number,
                      storage::Version floor) noexcept;

// Drops every item that is newer than that, as if it had never been here; 0 = all of them.
void drop_items(ChangeSink& sink, storage::Store& store, storage::Version newer_than,
                const storage::Now& now) noexcept;

// What a wrong clock has written is forgotten: items newer than that, and floors. REQUIRES: no list
// is under way.
void forget_newer(ChangeSink& sink, storage::Store& store, storage::Version newer_than,
                  const storage::Now& now) noexcept;

}  // namespace twincached::replication
