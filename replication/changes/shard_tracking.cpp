#include "replication/changes/shard_tracking.hpp"

#include <algorithm>
#include <limits>

namespace twincached::replication {

using storage::Cause;

ShardTracking::ShardTracking(storage::BucketNumber first_bucket, std::size_t count,
                             std::size_t log_bytes_limit)
    : log(log_bytes_limit), buckets(first_bucket, count) {
    refresh_gauges();
}

// For readers without the lock: figures, and the sender that asks whether there is work.
void ShardTracking::refresh_gauges() noexcept {
    constexpr auto relaxed = std::memory_order_relaxed;
    log_entries.store(log.entries(), relaxed);
    log_unsent.store(log.unsent_entries(), relaxed);
    log_bytes.store(log.bytes(), relaxed);
    wanted_bytes.store(log.wanted_bytes(), relaxed);
    dirty.store(static_cast<std::uint32_t>(buckets.dirty_count()), relaxed);
    walking.store(static_cast<std::uint32_t>(buckets.walking_count()), relaxed);
    log_head.store(log.head(), relaxed);
}

// Under the shard's lock, once for each mutation: this is what replication costs a client's set.
// Every cause has its rule; those that end in 0 are no news for the peer, or are told by other
// means.
ChangeLog::Position ShardTracking::on_change(const storage::Change& change) noexcept {
    if (change.before != change.after) {
        buckets.change_digest(change.key.hash, change.before, change.after);
        digest.store(buckets.all_digests(), std::memory_order_relaxed);
    }
    // Whether a key is present is known here without asking the store: its newest entry says so.
    const auto newest = log.find(change.key);
    if (newest) newest.entry->present = change.after != 0;
    switch (change.cause) {
        case Cause::local_write:
        case Cause::local_delete: {
            if (change.version == 0) return 0;  // a vivified stub: known here only
            const bool touched =
                change.before != 0 && change.after != 0 &&
                storage::write_of(change.before) == storage::write_of(change.after);
            return record(change.key, {change.version, change.after != 0, touched}, newest);
        }
        case Cause::evicted:
            counters.add(TrackingCounter::evictions);
            if (newest && log.is_unsent(newest)) {
                counters.add(TrackingCounter::evicted_before_send);
            }
            on_drop(change, newest);
            return 0;
        case Cause::expired:
            on_drop(change, newest);
            return 0;
        case Cause::in_doubt:
        case Cause::disowned:
            counters.add(TrackingCounter::dropped_in_doubt);
            return 0;
        case Cause::remote:
        case Cause::restored:
        case Cause::flushed:
        case Cause::corrected:
            return 0;
    }
    return 0;
}

// R5, R6, R7. What left was the node's own decision; it is told only if the peer might otherwise
// be left with something older for ever.
void ShardTracking::on_drop(const storage::Change& change, ChangeLog::Found newest) noexcept {
    const auto bucket = storage::bucket_of(change.key.hash);
    if (change.before == 0) return;
    if (buckets.is_dirty(bucket)) {
        buckets.raise_floor(bucket, change.before);
    } else if (buckets.is_walking(bucket)) {
        if (newest && newest.entry->version >= change.before) return;
        record(change.key, {change.before, false, false}, newest);
    }
}

// R1 and R2.
ChangeLog::Position ShardTracking::record(const storage::Key& key, const Fact& fact,
                                          ChangeLog::Found newest) noexcept {
    const auto bucket = storage::bucket_of(key.hash);
    ChangeLog::Found entry;
    while (!buckets.is_dirty(bucket)) {
        if (newest && log.is_unsent(newest)) {
            newest.entry->touch_only = newest.entry->touch_only && fact.touch_only;
            entry = newest;
            break;
        }
        entry = log.append(newest, key, fact.version);
        if (entry) {
            entry.entry->touch_only = fact.touch_only;
            break;
        }
        // Where others would not make room, they need not make way.
        if (entry.position == ChangeLog::crowded || !fold_oldest()) buckets.mark_dirty(bucket);
        newest = log.find(key);
    }
    auto position = storage::Ticket::unconfirmable;
    if (entry) {
        entry.entry->version = std::max(entry.entry->version, fact.version);
        entry.entry->present = fact.present;
        position = entry.position;
        buckets.note_logged(bucket, position);
    } else if (!fact.present) {
        buckets.raise_floor(bucket, fact.version);
    }
    refresh_gauges();
    return position;
}

// The oldest entry becomes a mark on its bucket: the log is bounded, and what does not fit is told
// by walking. What was deleted leaves its version behind as the bucket's floor.
bool ShardTracking::fold_oldest() noexcept {
    ChangeLog::Folded folded;
    if (!log.pop_oldest(folded)) return false;
    counters.add(TrackingCounter::overflows);
    const auto bucket = storage::bucket_of(folded.hash);
    buckets.mark_dirty(bucket);
    if (!folded.present) buckets.raise_floor(bucket, folded.version);
    return true;
}

storage::Version ShardTracking::known_version(const storage::Key& key, bool present) noexcept {
    storage::Version known = 0;
    if (const auto found = log.find(key)) {
        counters.add(TrackingCounter::conflicts);
        known = found.entry->version;
    }
    if (!present) known = std::max(known, buckets.floor(storage::bucket_of(key.hash)));
    return known;
}

void ShardTracking::want(const storage::Key& key, storage::Version version,
                         std::size_t size_hint) noexcept {
    const auto bucket = storage::bucket_of(key.hash);
    if (buckets.is_dirty(bucket)) return;
    auto entry = log.find(key);
    if (!entry || !log.is_unsent(entry)) {
        const bool on_its_way =
            entry && entry.entry->version == version && !entry.entry->touch_only;
        if (on_its_way) return;
        entry = log.append(entry, key, version);
    }
    if (entry) {
        entry.entry->present = true;
        entry.entry->touch_only = false;
        buckets.note_logged(bucket, entry.position);
        constexpr std::size_t most = std::numeric_limits<std::uint32_t>::max();
        log.mark_wanted(*entry.entry, static_cast<std::uint32_t>(std::min(size_hint, most)));
    } else {
        buckets.mark_dirty(bucket);
    }
}

void ShardTracking::tell_removal(const storage::Key& key, storage::Version version) noexcept {
    (void)record(key, {version, false, false}, log.find(key));
}

void ShardTracking::mark_all_dirty(storage::Version floor) noexcept {
    log.rewind();
    buckets.mark_all_dirty(floor);
    refresh_gauges();
}

bool ShardTracking::fold_into_buckets(std::size_t entries) noexcept {
    while (entries > 0 && fold_oldest())
        --entries;
    refresh_gauges();
    return log.empty();
}

}  // namespace twincached::replication
