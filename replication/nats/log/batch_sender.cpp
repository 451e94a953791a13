#include "replication/nats/log/batch_sender.hpp"

#include <algorithm>
#include <span>
#include <utility>

namespace twincached::replication::nats {
namespace {

// Of a frame and its first record, without key and value.
constexpr std::size_t frame_overhead = frame_header_size + 16 + record_overhead_limit;
// A piece of a large value that is smaller waits for the next message.
constexpr std::size_t piece_least = 1024;
constexpr unsigned entries_at_once = 2048;

std::size_t size_of(const WireRecord& record) noexcept {
    return record_header_size + 8 + record.key.size() + record.value.size();
}

}  // namespace

// One batch in the making.
struct BatchSender::Pass {
    unsigned shard_number;
    ShardTracking& tracking;
    BatchWriter batch;
    lib::ByteBuffer& out;
    ChangeLog::Position sent_to = 0;
    bool is_full = false;
};

void BatchSender::set_limit(std::size_t bytes) noexcept {
    limit_ = bytes;
    value_limit_ = std::min(batched_value_limit, bytes / 3);
}

Sequence BatchSender::came_to(StreamId stream) const noexcept {
    const auto consumed = context_.places[stream].consumed;
    return large_ ? std::min(large_->came_to[stream], consumed) : consumed;
}

std::size_t BatchSender::room(const lib::ByteBuffer& out) const noexcept {
    return end_size_ - std::min(end_size_, out.size());
}

bool BatchSender::make(lib::ByteBuffer& out) {
    const auto before = out.size();
    end_size_ = limit_;
    frames_ = 0;
    // So that the buffer need not grow under a shard's lock.
    out.prepare(limit_ + frame_overhead);
    if (large_) {
        make_segments(out);
    } else {
        make_flushes(out);
        while (room(out) > frame_overhead && !large_ && make_batch(out)) {
        }
        if (large_) make_segments(out);
        if (may_tell_removed()) make_removed(out);
        if (!large_) make_lists(out);
    }
    is_on_its_way_ = out.size() > before;
    if (!is_on_its_way_) context_.untold.settle([](std::uint64_t) {});
    if (is_on_its_way_) context_.counters.add(ClusterCounter::messages_sent);
    return is_on_its_way_;
}

// --- flushes and lists -------------------------------------------------------------------------

// How many flushes it tells of is counted before it is asked which was the last: one that comes in
// between is told again rather than never.
void BatchSender::make_flushes(lib::ByteBuffer& out) {
    auto& changes = context_.sink.changes();
    if (changes.take_flush_news()) {
        flush_ = SentFlush{changes.flushes(), 0};
        flush_->version = context_.store->flush_version();
        write_frame(out, ++frames_, Flush{flush_->version});
    }
    if (changes.take_schedule_news()) {
        schedule_ = true;
        const auto schedule = context_.store->flush_schedule();
        write_frame(out, ++frames_,
                    Schedule{context_.clock.now_ms(context_.now),
                             context_.clock.there(schedule.at_steady_ms), schedule.version});
    }
}

// Behind all that was compared with others, and what they lacked of it: who hears of a removal, and
// not of what else its bucket holds, must not judge by it.
bool BatchSender::may_tell_removed() const noexcept {
    return context_.untold.has_next() && !large_ && !context_.has_unsent() &&
           context_.sum(&ShardTracking::dirty) == 0;
}

// What there was no room to remember became a doubt of its bucket. Where nobody is there to compare
// it with, it is told, like those with which this node began alone.
void BatchSender::take_doubt(unsigned shard, storage::BucketNumber bucket) {
    const auto floor = context_.sink.removals(shard).take_untold(bucket);
    if (floor == 0) return;
    auto& buckets = context_.tracking(shard).buckets;
    buckets.raise_floor(bucket, floor);
    if (!context_.is_alone_as_reference()) {
        buckets.mark_dirty(bucket);
    } else if (!buckets.is_walking(bucket)) {
        tell_uncompared(buckets, bucket);
    }
    context_.sink.changes().refresh(shard);
}

void BatchSender::make_removed(lib::ByteBuffer& out) {
    items_.clear();
    auto& untold = context_.untold;
    const auto most = (std::max(room(out), frame_header_size) - frame_header_size) / list_item_size;
    while (untold.has_next() && items_.size() < most) {
        const auto number = context_.store->shard_of(untold.next());
        const auto end = std::min(most, items_.size() + entries_per_hold);
        context_.with_shard(number, [&](storage::Shard&) {
            const auto& kept = context_.sink.removals(number);
            for (; untold.has_next() && items_.size() < end; untold.send_next()) {
                const auto hash = untold.next();
                if (context_.store->shard_of(hash) != number) break;
                if (const auto version = kept.exact(hash); version != 0)
                    items_.push_back({hash, version});
                take_doubt(number, storage::bucket_of(hash));
            }
        });
    }
    if (!items_.empty()) write_removed(out, ++frames_, items_);
}

void BatchSender::tell_uncompared(Buckets& buckets, storage::BucketNumber bucket) {
    buckets.mark_dirty(bucket);
    tell_bucket(bucket);
    buckets.begin_walk(bucket, 1);
}

void BatchSender::tell_bucket(storage::BucketNumber bucket) {
    const auto& buckets = context_.tracking(context_.store->shard_of_bucket(bucket)).buckets;
    lists_.push_back({bucket, buckets.last_logged(bucket)});
}

void BatchSender::make_lists(lib::ByteBuffer& out) {
    while (!lists_.empty() && make_list(out, lists_.front()))
        lists_.pop_front();
}

// False: there is no room for it now, or something that was logged of the bucket before is still to
// be told: who lacks what the list names must have it by then, or would take it for removed. What
// is as new as the floor needs no mention, for it is not in doubt; of a bucket that holds more than
// a message does nothing is mentioned, and others go without it.
bool BatchSender::make_list(lib::ByteBuffer& out, const WaitingList& waiting) {
    const auto bucket = waiting.bucket;
    const auto number = context_.store->shard_of_bucket(bucket);
    storage::Version floor = 0;
    enum class Turn : std::uint8_t { now, later, never };
    auto turn = Turn::now;
    items_.clear();
    context_.with_shard(number, [&](storage::Shard& shard) {
        auto& tracking = context_.tracking(number);
        // What the log had no room for has to be compared first.
        if (tracking.buckets.is_dirty(bucket)) {
            tracking.buckets.abandon_walk(bucket);
            context_.sink.changes().refresh(number);
            turn = Turn::never;
            return;
        }
        if (!tracking.log.has_sent(waiting.behind)) {
            turn = Turn::later;
            return;
        }
        floor = tracking.buckets.floor(bucket);
        lib::MemoryGuard guard;
        const auto visit = guard.over([&](const storage::ItemView& item) {
            if (item.version != 0 && item.version < floor)
                items_.push_back({item.hash, item.version});
        });
        shard.visit_bucket(bucket, context_.now, visit);
        guard.finish();
    });
    if (turn != Turn::now) return turn == Turn::never;
    const auto size_for = [](std::size_t items) {
        return frame_header_size + list_header_size + items * list_item_size;
    };
    if (size_for(items_.size()) > limit_ - message_header_limit) items_.clear();
    if (size_for(items_.size()) > room(out)) return false;
    write_list(out, {FrameType::list, ++frames_, bucket, floor}, items_);
    sent_lists_.push_back({waiting, floor});
    return true;
}

// --- changes -----------------------------------------------------------------------------------

// One batch of one shard, in turn. False: there is nothing more to say, or no room to say it.
bool BatchSender::make_batch(lib::ByteBuffer& out) {
    auto& changes = context_.sink.changes();
    const unsigned shards = changes.shard_count();
    unsigned number = next_shard_;
    for (unsigned i = 0; !changes.has_unsent(number); ++i) {
        if (i == shards) return false;
        number = (number + 1) % shards;
    }
    Pass pass{number, changes.shard(number),
              BatchWriter(out, frames_ + 1, static_cast<std::uint16_t>(number),
                          context_.clock.now_ms(context_.now)),
              out};
    context_.with_shard(number, [&](storage::Shard& shard) { add_some(pass, shard); });
    if (!pass.is_full) next_shard_ = (number + 1) % shards;
    if (pass.sent_to != 0) parts_.push_back({number, pass.sent_to});
    if (pass.batch.count() == 0) {
        pass.batch.cancel();
        return !pass.is_full;
    }
    ++frames_;
    context_.counters.add(ClusterCounter::records_sent, pass.batch.count());
    pass.batch.finish();
    return !pass.is_full;
}

void BatchSender::add_some(Pass& pass, storage::Shard& shard) {
    std::array<std::uint64_t, ChangeLog::fetched_at_once> hashes;
    auto& log = pass.tracking.log;
    for (unsigned i = 0; i < entries_at_once && !pass.batch.is_full() && !large_; ++i) {
        if (i % hashes.size() == 0) {
            const auto next = std::span(hashes).first(log.upcoming(hashes));
            log.prefetch(next);
            shard.prefetch(next);
        }
        const auto found = log.next_unsent();
        if (!found) break;
        const auto sent = add_entry(pass, shard, found);
        if (sent == Sent::no_room) {
            pass.is_full = true;
            break;
        }
        if (sent == Sent::needless) {
            log.discard(found);
            continue;
        }
        const auto position = log.mark_sent(found);
        if (large_) {
            large_->position = position;
            large_->shard = pass.shard_number;
        } else {
            pass.sent_to = position;
        }
    }
    context_.sink.changes().refresh(pass.shard_number);
}

BatchSender::Sent BatchSender::add_entry(Pass& pass, storage::Shard& shard,
                                         const ChangeLog::Found& found) {
    const auto& entry = *found.entry;
    bool present = false;
    auto sent = Sent::needless;
    lib::MemoryGuard guard;
    const auto visit = guard.over([&](const storage::ItemView& item) {
        present = item.version != 0 && item.version >= entry.version;
        if (present) sent = add_item(pass, item, entry);
    });
    shard.peek({entry.key(), entry.hash}, context_.now, visit);
    guard.finish();
    if (present) return sent;
    // The flush itself tells the others.
    if (entry.version <= shard.flush_version()) {
        context_.sink.changes().left_out(shard.flush_version());
        return Sent::needless;
    }
    return add_removal(pass, entry);
}

// Its value stands in another stream, which others may come to later than to the touch of it.
bool BatchSender::is_of_another_site(const storage::ItemView& item) const noexcept {
    if (context_.stream_count() == 1) return false;
    const auto node = storage::node_of(item.version);
    const auto& maker = context_.members[node];
    return node != context_.options.node && (maker.session == 0 || maker.home != own_stream);
}

// What came from another node stands in the log already, unless somebody lacked it.
BatchSender::Sent BatchSender::add_item(Pass& pass, const storage::ItemView& item,
                                        const ChangeLog::Entry& entry) {
    const bool is_own = storage::origin_of(item.version) == context_.options.node;
    if (!is_own && !entry.wanted) return Sent::needless;
    // A touch is no newer than its write: of one that is being compared, and may have been removed
    // by others, the value must not come back to them.
    const auto bucket = storage::bucket_of(item.hash);
    const bool is_compared = entry.touch_only && pass.tracking.buckets.is_walking(bucket);
    const bool is_foreign = is_of_another_site(item);
    // Nor may it go without, to who has not read the write.
    if (is_compared && is_foreign) {
        pass.tracking.compare_instead(bucket);
        return Sent::needless;
    }
    auto record = record_of(item, {.version = entry.version,
                                   .touch_only = entry.touch_only,
                                   .wanted = entry.wanted,
                                   .bare_touch = is_compared,
                                   .whole_touch = is_foreign});
    record.expiry_ms = context_.clock.there(record.expiry_ms);
    if (record.value.size() > value_limit_) {
        begin_large(item, record);
        return Sent::added;
    }
    if (size_of(record) > room(pass.out)) return Sent::no_room;
    pass.batch.add(record);
    return Sent::added;
}

BatchSender::Sent BatchSender::add_removal(Pass& pass, const ChangeLog::Entry& entry) {
    const auto record = removal_of(entry.key(), entry.version);
    if (size_of(record) > room(pass.out)) return Sent::no_room;
    removals_.push_back({pass.shard_number, entry.hash, entry.version});
    pass.batch.add(record);
    return Sent::added;
}

// --- large values ------------------------------------------------------------------------------

void BatchSender::begin_large(const storage::ItemView& item, const WireRecord& record) {
    auto& large = large_.emplace(*context_.store, item, record);
    for (unsigned i = 0; i < streams_limit; ++i)
        large.came_to[i] = context_.places[i].consumed;
}

// Only the last piece counts for the change log.
void BatchSender::make_segments(lib::ByteBuffer& out) {
    while (large_ && room(out) > frame_overhead + piece_least) {
        auto& large = *large_;
        const auto piece = std::min(segment_size, room(out) - frame_overhead);
        write_frame(out, ++frames_, large.value.next(context_.clock.now_ms(context_.now), piece));
        if (!large.value.is_sent()) continue;
        parts_.push_back({large.shard, large.position});
        context_.counters.add(ClusterCounter::records_sent);
        large_.reset();
    }
}

// --- what becomes of it ------------------------------------------------------------------------

// What was removed is kept before it leaves the change log, under the same lock: there is no moment
// in which nothing here knows of it.
void BatchSender::on_told(Sequence sequence) {
    if (!std::exchange(is_on_its_way_, false)) return;
    auto& changes = context_.sink.changes();
    const LogPlace place{own_stream, sequence};
    for (std::size_t i = 0; i < removals_.size();) {
        const auto number = removals_[i].shard;
        context_.with_shard(number, [&](storage::Shard&) {
            auto& kept = context_.sink.removals(number);
            for (; i < removals_.size() && removals_[i].shard == number; ++i) {
                (void)kept.note_own(removals_[i].hash, removals_[i].version, place);
            }
        });
    }
    removals_.clear();
    context_.untold.settle([&](std::uint64_t hash) {
        const auto number = context_.store->shard_of(hash);
        context_.with_shard(number, [&](storage::Shard&) {
            context_.sink.removals(number).move(hash, place);
            take_doubt(number, storage::bucket_of(hash));
        });
    });
    if (flush_) {
        changes.peer_knows_flush(flush_->version);
        if (auto* gate = changes.gate()) gate->settle_flushes(flush_->count);
        for (unsigned i = 0; i < changes.shard_count(); ++i)
            context_.with_shard(i, [&](storage::Shard&) { changes.refresh(i); });
    }
    flush_.reset();
    schedule_ = false;
    for (const auto& part : parts_) {
        context_.with_shard(part.shard, [&](storage::Shard&) {
            changes.shard(part.shard).log.acknowledge(part.position);
            changes.refresh(part.shard);
        });
    }
    parts_.clear();
    for (const auto& list : sent_lists_) {
        const auto bucket = list.told.bucket;
        const auto number = context_.store->shard_of_bucket(bucket);
        context_.with_shard(number, [&](storage::Shard&) {
            auto& buckets = changes.shard(number).buckets;
            context_.sink.removals(number).raise_removed(bucket, list.floor);
            // What came into doubt meanwhile needs a list of its own.
            if (buckets.is_walking(bucket) && buckets.floor(bucket) > list.floor)
                return tell_bucket(bucket);
            buckets.end_walk(bucket);
            changes.refresh(number);
        });
    }
    sent_lists_.clear();
}

void BatchSender::on_lost() {
    auto& changes = context_.sink.changes();
    is_on_its_way_ = false;
    large_.reset();
    parts_.clear();
    removals_.clear();
    context_.untold.rewind();
    for (const auto& list : sent_lists_)
        lists_.push_back(list.told);
    sent_lists_.clear();
    if (std::exchange(flush_, std::nullopt)) changes.tell_of_flush();
    if (std::exchange(schedule_, false)) changes.on_flush_scheduled(0, 0);
    for (unsigned i = 0; i < changes.shard_count(); ++i) {
        context_.with_shard(i, [&](storage::Shard&) {
            changes.shard(i).log.rewind();
            changes.refresh(i);
        });
    }
}

}  // namespace twincached::replication::nats
