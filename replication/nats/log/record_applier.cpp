#include "replication/nats/log/record_applier.hpp"

#include "replication/nats/log/items_in_doubt.hpp"

#include <algorithm>
#include <cstring>
#include <span>
#include <utility>
#include <vector>

namespace twincached::replication::nats {

bool RecordApplier::apply(const Frame& frame, LogPlace place,
                          std::optional<ArrivingValue>& arriving, Refusals* refusals) {
    place_ = place;
    refusals_ = refusals;
    // The pieces of a large value come one after the other.
    if (frame.type != FrameType::segment) arriving.reset();
    switch (frame.type) {
        case FrameType::batch:
            return apply_batch(frame.payload);
        case FrameType::segment:
            return apply_segment(frame.payload, arriving);
        case FrameType::list:
            return apply_list(frame.payload);
        case FrameType::removed:
            return apply_removed(frame.payload);
        case FrameType::flush:
            return apply_flush(frame.payload);
        case FrameType::schedule:
            return apply_schedule(frame.payload);
        default:
            return frame.is_ignorable();
    }
}

// --- records -----------------------------------------------------------------------------------

// In groups of one shard, one lock for each. A version that is not to be believed ends the batch
// with nothing of its group applied.
bool RecordApplier::apply_batch(std::string_view payload) {
    BatchReader reader(payload);
    WireRecord record;
    group_.count = group_.bytes = 0;
    while (reader.next(record)) {
        if (!context_.admits_item(record.version)) return false;
        ++records_;
        const auto key = context_.store->key(record.key);
        if (record.kind == RecordKind::item && context_.store->is_large(record.value.size())) {
            if (group_.count > 0) apply_group();
            apply_large(key, record);
            continue;
        }
        const auto shard = context_.store->shard_of(key.hash);
        const bool is_full = group_.count == Group::records_limit ||
                             group_.bytes + record.value.size() > Group::bytes_limit;
        if (group_.count > 0 && (is_full || shard != group_.shard)) apply_group();
        group_.shard = shard;
        group_.bytes += record.value.size();
        group_.entries[group_.count++] = {key, record};
    }
    if (group_.count > 0) apply_group();
    return reader.complete();
}

void RecordApplier::apply_group() {
    std::array<std::uint64_t, Group::records_limit> hashes;
    for (std::size_t i = 0; i < group_.count; ++i)
        hashes[i] = group_.entries[i].key.hash;
    context_.with_shard(group_.shard, [&](storage::Shard& shard) {
        shard.prefetch(std::span(hashes).first(group_.count));
        for (std::size_t i = 0; i < group_.count; ++i)
            context_.sink.prefetch(group_.shard, hashes[i]);
        for (std::size_t i = 0; i < group_.count; ++i)
            apply_one(shard, group_.shard, group_.entries[i]);
    });
    group_.count = group_.bytes = 0;
}

// The clock first: whatever this node writes from here on is newer than what it has seen.
void RecordApplier::apply_one(storage::Shard& shard, unsigned number, const Group::Entry& entry) {
    using storage::ApplyOutcome;
    const auto& [key, record] = entry;
    shard.observe(record.version);
    auto outcome = ApplyOutcome::applied;
    switch (record.kind) {
        case RecordKind::item:
            outcome = shard.apply(item_of(key, record), context_.now);
            break;
        case RecordKind::removal:
            outcome = shard.apply_delete(key, record.version, context_.now);
            break;
        case RecordKind::touch: {
            const auto expiry = context_.clock.expiry_here(record.expiry_ms);
            if (shard.apply_touch(key, record.version, expiry, context_.now)) break;
            touch_what_is_lacking(shard, number, entry);
            break;
        }
    }
    settle(shard, number, entry, outcome);
}

// Who has lost the item goes without it, and must not be left with an older one; who is about to be
// given it may be given it as it was before, and asks once more.
void RecordApplier::touch_what_is_lacking(storage::Shard& shard, unsigned number,
                                          const Group::Entry& entry) {
    const auto& [key, record] = entry;
    shard.drop_in_doubt(key, context_.now);
    context_.sink.removals(number).note(key.hash, storage::write_of(record.version) - 1, place_);
    auto& buckets = context_.tracking(number).buckets;
    const auto bucket = storage::bucket_of(key.hash);
    if (buckets.is_walking(bucket)) buckets.mark_dirty(bucket);
    context_.sink.changes().refresh(number);
}

// What is not there afterwards, though it was told, is remembered: removals, items that have
// expired on the way, and those for which there was no room.
void RecordApplier::settle(storage::Shard& shard, unsigned number, const Group::Entry& entry,
                           storage::ApplyOutcome outcome) {
    using storage::ApplyOutcome;
    const auto& [key, record] = entry;
    const bool is_item = record.kind == RecordKind::item;
    const bool is_past =
        is_item && context_.clock.expiry_here(record.expiry_ms).is_past(context_.now.tick());
    if (outcome == ApplyOutcome::no_memory) context_.counters.add(ClusterCounter::apply_nomem);
    if (record.kind == RecordKind::removal || outcome == ApplyOutcome::no_memory ||
        (outcome == ApplyOutcome::applied && is_past))
        context_.sink.removals(number).note(key.hash, record.version, place_);
    if (outcome != ApplyOutcome::outdated) return;
    context_.counters.add(ClusterCounter::older_updates_ignored);
    if (!is_item) return;
    if (refusals_ != nullptr) return refusals_->refused(shard, number, key, record.version);
    compare_if_in_doubt(shard, number, key, record.version);
    if (!record.cold) return;
    tell_newer_touch(shard, number, key, record.version);
    context_.tell_newer_removal(number, key, record.version);
    context_.sink.changes().refresh(number);
}

// Refused for what was let go of its bucket alone: it may be another key. A node that has come as
// far in the log, and holds it, knows.
void RecordApplier::compare_if_in_doubt(storage::Shard& shard, unsigned number,
                                        const storage::Key& key, storage::Version version) {
    const auto bucket = storage::bucket_of(key.hash);
    auto& removals = context_.sink.removals(number);
    auto& tracking = context_.tracking(number);
    const auto let_go = std::max(removals.removed_in(bucket), tracking.buckets.floor(bucket));
    const bool is_walking = tracking.buckets.is_walking(bucket);
    if (let_go < version && !is_walking) return;
    const auto own = tracking.log.find(key);
    if (removals.exact(key.hash) >= version || version <= shard.flush_version() ||
        (own && own.entry->version >= version))
        return;
    if (shard.peek(key, context_.now, [](const storage::ItemView&) {})) return;
    // A donor that has not read of it yet may give an older one, which no floor keeps out then.
    if (is_walking) removals.note(key.hash, version - 1, place_);
    if (let_go < version) return;
    if (context_.is_alone_as_reference()) {
        refuse_for_all(number, key, version);
    } else {
        tracking.buckets.mark_dirty(bucket);
    }
    context_.sink.changes().refresh(number);
}

// Others compare what they hold with what is here, and nobody is there to ask: who told it drops
// it.
void RecordApplier::refuse_for_all(unsigned number, const storage::Key& key,
                                   storage::Version version) {
    const auto newest = storage::last_touch_of(version);
    context_.sink.removals(number).note(key.hash, newest, place_);
    context_.tracking(number).counters.add(TrackingCounter::dropped_in_doubt);
    context_.tell_kept_removal(number, key, newest);
}

// It was told because somebody lacked it, by who does not know of a touch that is known here: that
// may be in the log no more, and who lacked the item when the touch was read has the item without.
void RecordApplier::tell_newer_touch(storage::Shard& shard, unsigned number,
                                     const storage::Key& key, storage::Version version) {
    shard.peek(key, context_.now, [&](const storage::ItemView& item) {
        const bool is_same_write = storage::write_of(item.version) == storage::write_of(version);
        if (!is_same_write || item.version <= version) return;
        context_.tracking(number).want(key, item.version, item_cost(item));
    });
}

// Copied, and room made for it, without the shard's lock.
void RecordApplier::apply_large(const storage::Key& key, const WireRecord& record) {
    const auto outcome = context_.store->apply(item_of(key, record), context_.now);
    const auto number = context_.store->shard_of(key.hash);
    context_.with_shard(number, [&](storage::Shard& shard) {
        settle(shard, number, {key, record}, outcome);
    });
}

storage::Record RecordApplier::item_of(const storage::Key& key,
                                       const WireRecord& record) const noexcept {
    return to_take_over(key, record, context_.clock.expiry_here(record.expiry_ms));
}

// --- large values ------------------------------------------------------------------------------

// What goes on with a value of which the beginning is not here, is nobody's value: it came before
// this node began to listen, and is given to it by whoever it learns from.
bool RecordApplier::apply_segment(std::string_view payload,
                                  std::optional<ArrivingValue>& arriving) {
    const auto segment = read_segment(payload);
    if (!segment || !context_.admits_item(segment->record.version)) return false;
    if (segment->offset == 0) arriving = begin_arriving(*segment);
    if (!arriving) return true;
    const bool goes_on =
        segment->offset == arriving->received && segment->total == arriving->total &&
        segment->record.version == arriving->head.version && segment->record.key == arriving->key;
    if (!goes_on) {
        arriving.reset();
        return false;
    }
    const auto piece = segment->record.value;
    if (arriving->memory) {
        auto* bytes = arriving->memory.bytes().data();
        std::memcpy(bytes + arriving->received, piece.data(), piece.size());
    } else if (!arriving->is_refused) {
        arriving->small.append(piece);
    }
    arriving->received += piece.size();
    if (arriving->received < arriving->total) return true;
    finish_arriving(*arriving);
    arriving.reset();
    return true;
}

std::optional<ArrivingValue> RecordApplier::begin_arriving(const Segment& segment) {
    ArrivingValue arriving;
    const auto& record = segment.record;
    arriving.key = record.key;
    arriving.head = record;
    arriving.head.key = arriving.head.value = {};
    arriving.total = segment.total;
    arriving.began = place_;
    arriving.speaker = speaker_;
    const auto& store = *context_.store;
    arriving.is_refused =
        store.exceeds_limit(record.key.size(), segment.total, record.client_flags);
    if (!arriving.is_refused && store.is_large(segment.total)) {
        arriving.memory = context_.store->reserve(segment.total, context_.now);
        arriving.is_refused = !arriving.memory;
    }
    return arriving;
}

// What cannot be kept still removes what is older (rule R4).
void RecordApplier::finish_arriving(ArrivingValue& arriving) {
    const auto key = context_.store->key(arriving.key);
    auto record = arriving.head;
    record.key = arriving.key;
    ++records_;
    if (!arriving.is_refused) {
        const auto bytes = arriving.memory.bytes();
        record.value = arriving.memory ? std::string_view(bytes.data(), bytes.size())
                                       : std::string_view(arriving.small);
        return apply_large(key, record);
    }
    const auto number = context_.store->shard_of(key.hash);
    context_.with_shard(number, [&](storage::Shard& shard) {
        shard.observe(record.version);
        (void)shard.apply_delete(key, record.version, context_.now);
        settle(shard, number, {key, record}, storage::ApplyOutcome::no_memory);
    });
}

// --- buckets and flushes -----------------------------------------------------------------------

// What a node holds of a bucket of which it could not tell every removal: what it does not name,
// and is older than the newest of those, may be one of them, and goes (rule R9), on every node
// alike, and nothing that old comes back.
bool RecordApplier::apply_list(std::string_view payload) {
    const ListReader list(payload);
    if (!list.valid() || !context_.admits(list.floor())) return false;
    std::vector<BucketItem> listed(list.size());
    for (std::size_t i = 0; i < list.size(); ++i) {
        listed[i] = list[i];
        if (storage::bucket_of(listed[i].hash) != list.bucket()) return false;
    }
    const auto by_hash = [](const BucketItem& one, const BucketItem& other) {
        return one.hash < other.hash;
    };
    std::sort(listed.begin(), listed.end(), by_hash);
    const auto number = context_.store->shard_of_bucket(list.bucket());
    context_.with_shard(number, [&](storage::Shard& shard) {
        shard.observe(list.floor());
        const auto is_listed = [&](const storage::ItemView& item) {
            return std::binary_search(listed.begin(), listed.end(), BucketItem{item.hash, 0},
                                      by_hash);
        };
        drop_items_in_doubt(context_, shard, list.bucket(), list.floor(), is_listed);
        context_.sink.removals(number).raise_removed(list.bucket(), list.floor());
        context_.sink.changes().refresh(number);
    });
    return true;
}

// Keys that another node knows to be removed; here they may be held, in an older version.
bool RecordApplier::apply_removed(std::string_view payload) {
    const RemovedReader removed(payload);
    if (!removed.valid()) return false;
    for (std::size_t i = 0; i < removed.size();) {
        const auto number = context_.store->shard_of(removed[i].hash);
        const auto end = std::min(removed.size(), i + entries_per_hold);
        bool is_sane = true;
        context_.with_shard(number, [&](storage::Shard& shard) {
            for (; i < end && context_.store->shard_of(removed[i].hash) == number; ++i) {
                const auto [hash, version] = removed[i];
                is_sane = context_.admits(version);
                if (!is_sane) return;
                shard.observe(version);
                const auto key = key_held_before(context_, shard, hash, version);
                if (!key.empty()) (void)shard.apply_delete({key, hash}, version, context_.now);
                context_.sink.removals(number).note(hash, version, place_);
            }
            context_.sink.changes().refresh(number);
        });
        if (!is_sane) return false;
    }
    return true;
}

bool RecordApplier::apply_flush(std::string_view payload) {
    const auto flush = read_flush(payload);
    if (!flush || !context_.admits(flush->version)) return false;
    context_.store->observe(flush->version);
    context_.store->apply_flush(flush->version);
    context_.sink.changes().peer_knows_flush(flush->version);
    return true;
}

bool RecordApplier::apply_schedule(std::string_view payload) {
    const auto schedule = read_schedule(payload);
    if (!schedule || !context_.admits(schedule->version)) return false;
    context_.store->apply_flush_schedule(context_.clock.here_ms(schedule->at_ms),
                                         schedule->version);
    return true;
}

}  // namespace twincached::replication::nats
