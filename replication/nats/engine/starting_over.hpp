// What is done to the whole of a node's data when it has lost its place in the log, or finds out
// that others do not wait for it any more. Shard by shard and in steps, so that no client waits for
// more than a moment. On the replication thread; REQUIRES: no bucket is under way.
#pragma once

#include "replication/changes/starting_over.hpp"
#include "replication/nats/log/batch_sender.hpp"
#include "replication/nats/log/cluster_context.hpp"

namespace twincached::replication::nats {

// Nothing is known of what others have: all buckets are dirty, the change log is empty, and flushes
// are news again (rule R12).
void mark_all_dirty(ClusterContext& context);

// Others may not have heard of the flush, nor of the one for later, that this node knows of.
void tell_flushes(ClusterContext& context) noexcept;

// Not all may have read what stood in the log that is gone: that nothing older may come back than
// the newest of each bucket that this node ever let go is to be told again, as mark_all_dirty()
// does. What was evicted counts as well: others may hold something older, whose successor they have
// not read of.
void unplace_removals(ClusterContext& context);
// The same, and it is done.
void tell_removals_again(ClusterContext& context);

// This node holds nothing of what there was: what it ever let go says nothing of it.
void vouch_for_nothing(ClusterContext& context) noexcept;

// A donor has said what it let go, and has left before it was compared with: what is older may have
// been removed, or overtaken, and nobody is there who could say so.
void drop_what_is_in_doubt(ClusterContext& context);

// A wrong clock had led versions where nobody follows: they begin anew at the wall clock's time,
// and those of what is held, and of what was let go, are corrected. Nobody has read of them.
void correct_versions(ClusterContext& context);

// The others compare what they hold with what is here: nothing is owed but removals of which only a
// floor is left, which are told by lists, lest they are known to this node alone.
void settle_as_reference(ClusterContext& context, BatchSender& sender);

}  // namespace twincached::replication::nats
