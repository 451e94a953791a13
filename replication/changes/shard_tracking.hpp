// What the pair replicator keeps of one shard: the change log, the buckets, and the rules by
// which a mutation enters them (R1, R2, R5 to R7 of REPLICATION.md). Guarded by that shard's
// lock, but for the gauges, which any thread may read.
#pragma once

#include "lib/counters.hpp"
#include "replication/changes/buckets.hpp"
#include "replication/changes/change_log.hpp"
#include "replication/changes/hints.hpp"
#include "replication/changes/tracking_counter.hpp"
#include "storage/mutation.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace twincached::replication {

class ShardTracking {
  public:
    ShardTracking(storage::BucketNumber first_bucket, std::size_t buckets, std::size_t log_bytes);

    // Fetches what on_change() of a key with this hash will touch.
    void prefetch(std::uint64_t hash) const noexcept {
        log.prefetch({&hash, 1});
        buckets.prefetch(storage::bucket_of(hash));
    }

    // One mutation of the shard. Gives the log position to wait for, as in storage::Ticket.
    ChangeLog::Position on_change(const storage::Change& change) noexcept;
    storage::Version known_version(const storage::Key& key, bool present) noexcept;

    // A client has used an item: the peer is to hear of it, if there is room to remember it.
    void on_hint(std::uint64_t hash) noexcept {
        if (!hints.add(hash)) counters.add(TrackingCounter::hints_dropped);
    }

    // R10: the peer wants the item, which is present. Marks the bucket dirty again if the log has
    // no room: an entry that is already there is never given up for one that was asked for.
    void want(const storage::Key& key, storage::Version version, std::size_t size_hint) noexcept;

    // The key is absent here since that version, and others are to hear of it again. Marks the
    // bucket dirty if the log has no room.
    void tell_removal(const storage::Key& key, storage::Version version) noexcept;

    // What an entry says cannot be told now, and the entry is discarded: its bucket is compared, or
    // told, once more.
    void compare_instead(storage::BucketNumber bucket) noexcept {
        counters.add(TrackingCounter::overflows);
        buckets.mark_dirty(bucket);
    }

    // The peer has, and has acknowledged, all that this node has to say of the bucket.
    bool is_settled(storage::BucketNumber bucket) const noexcept {
        return !buckets.is_dirty(bucket) && !buckets.is_walking(bucket) &&
               buckets.last_logged(bucket) < log.head();
    }

    // R12 in two parts. After the first, changes need no log, so that the second may be done in
    // steps, with the lock released in between; false: there is more to fold.
    void mark_all_dirty(storage::Version floor) noexcept;
    // removed(folded) for what is not present any more.
    template <class Removed>
    bool fold_some(std::size_t entries, Removed removed) noexcept {
        ChangeLog::Folded folded;
        for (; entries > 0 && log.pop_oldest(folded); --entries)
            if (!folded.present) removed(folded);
        refresh_gauges();
        return log.empty();
    }
    void keep_in_floor(const ChangeLog::Folded& removed) noexcept {
        buckets.raise_floor(storage::bucket_of(removed.hash), removed.version);
    }
    // R15: the log becomes dirty buckets, as if it had overflowed. False: there is more.
    // REQUIRES: no session.
    bool fold_into_buckets(std::size_t entries) noexcept;

    // To be called after the log or the buckets were changed from outside.
    void refresh_gauges() noexcept;

    ChangeLog log;
    Buckets buckets;
    Hints hints;

    lib::Counters<TrackingCounter> counters;
    std::atomic<std::uint64_t> log_entries{0};
    std::atomic<std::uint64_t> log_unsent{0};
    std::atomic<std::uint64_t> log_bytes{0};
    std::atomic<std::uint64_t> wanted_bytes{0};
    std::atomic<std::uint32_t> dirty{0};
    std::atomic<std::uint32_t> walking{0};
    std::atomic<std::uint64_t> digest{0};    // XOR of the buckets'
    std::atomic<std::uint64_t> log_head{0};  // every ticket below has been acknowledged or given up

  private:
    struct Fact {
        storage::Version version;
        bool present;
        bool touch_only;
    };
    ChangeLog::Position record(const storage::Key& key, const Fact& fact,
                               ChangeLog::Found newest) noexcept;
    void on_drop(const storage::Change& change, ChangeLog::Found newest) noexcept;
    bool fold_oldest() noexcept;
};

}  // namespace twincached::replication
