#include "replication/pair/exchange/log_sender.hpp"

#include "storage/size_classes.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <span>
#include <utility>

namespace twincached::replication::pair {
// One batch in the making.
struct LogSender::Pass {
    unsigned shard_number;
    ShardTracking& tracking;
    BatchWriter batch;
    const storage::Now& now;
    ChangeLog::Position sent_to = 0;
};

// Asked at every turn, also when there is nothing: without locks, by what the shards say of
// themselves.
bool LogSender::has_work() const noexcept {
    if (large_) return true;
    for (unsigned i = 0; i < context_.sink.shard_count(); ++i) {
        if (context_.sink.has_unsent(i)) return true;
    }
    return false;
}

// One batch of one shard, in turn, so that a shard with endless changes delays the others by one
// batch at most. The frame is written in place, under the lock, and the lock is held no longer than
// 2,048 entries take; an empty one is taken back.
bool LogSender::send_batch(lib::ByteBuffer& out, const storage::Now& now) {
    assert(!large_);
    const unsigned shards = context_.sink.shard_count();
    unsigned shard = next_shard_;
    for (unsigned i = 0; !context_.sink.has_unsent(shard); ++i) {
        if (i == shards) return false;
        shard = (shard + 1) % shards;
    }
    next_shard_ = (shard + 1) % shards;

    // So that the buffer need not grow under the shard's lock.
    out.prepare(frame_header_size + batch_size_target + batched_value_limit +
                2 * record_overhead_limit);
    read_here_.clear();
    const auto before = out.size();
    Pass pass{shard, context_.sink.shard(shard),
              BatchWriter(out, context_.window.next_seq(), static_cast<std::uint16_t>(shard),
                          now.steady_ms),
              now};
    context_.with_shard(shard,
                        [&](storage::Shard& storage_shard) { send_some(pass, storage_shard); });
    if (pass.batch.count() == 0) {
        pass.batch.cancel();
        return true;
    }
    pass.batch.finish();
    context_.counters.add(ExchangeCounter::records_sent, pass.batch.count());
    context_.window.add(
        {InFlight::Content::log, shard, pass.sent_to, 0, out.size() - before, now.steady_ms});
    if (!read_here_.empty()) {
        write_hints(out, read_here_);
        context_.counters.add(ExchangeCounter::hints_sent, read_here_.size());
    }
    return true;
}

// What will be read is fetched a few entries ahead: entry, index and item are in no cache by then,
// and waiting for each in turn was most of the time.
void LogSender::send_some(Pass& pass, storage::Shard& shard) {
    // Entries that need not be sent cost time, too.
    constexpr unsigned entries_per_lock = 2048;
    std::array<std::uint64_t, ChangeLog::fetched_at_once> hashes;
    for (unsigned i = 0; i < entries_per_lock && !pass.batch.is_full() && !large_; ++i) {
        if (i % hashes.size() == 0) {
            const auto next = std::span(hashes).first(pass.tracking.log.upcoming(hashes));
            pass.tracking.log.prefetch(next);
            shard.prefetch(next);
        }
        const auto found = pass.tracking.log.next_unsent();
        if (!found) break;
        if (!send_entry(pass, shard, found)) {
            pass.tracking.log.discard(found);
            continue;
        }
        const auto position = pass.tracking.log.mark_sent(found);
        if (large_) {
            large_->position = position;
            large_->shard = pass.shard_number;
        } else {
            pass.sent_to = position;
        }
    }
    context_.sink.refresh(pass.shard_number);
}

// False: the peer need not be told.
bool LogSender::send_entry(Pass& pass, storage::Shard& shard, const ChangeLog::Found& found) {
    const auto& entry = *found.entry;
    bool sent = true;
    bool present = false;
    lib::MemoryGuard guard;
    const auto visit = guard.over([&](const storage::ItemView& item) {
        present = item.version != 0 && item.version >= entry.version;
        if (present) sent = send_item(pass, item, entry);
    });
    shard.peek({entry.key(), entry.hash}, pass.now, visit);
    guard.finish();
    if (present) return sent;
    // The flush itself tells the peer.
    if (entry.version <= shard.flush_version()) {
        context_.sink.left_out(shard.flush_version());
        return false;
    }
    pass.batch.add(removal_of(entry.key(), entry.version));
    return true;
}

// What came from the peer is not told back to it, unless it asked (rule R10).
bool LogSender::send_item(Pass& pass, const storage::ItemView& item,
                          const ChangeLog::Entry& entry) {
    if (!entry.wanted && storage::origin_of(item.version) == context_.peer_node()) return false;
    if (is_too_large_for_peer(item)) {
        context_.counters.add(ExchangeCounter::peer_nomem);
        pass.batch.add(removal_of(entry.key(), item.version));
        return true;
    }
    const auto record = record_of(item, {entry.version, entry.touch_only, entry.wanted});
    if (record.value.size() <= batched_value_limit) {
        pass.batch.add(record);
        if (hints_ && entry.wanted && item.fetched) read_here_.push_back(item.hash);
    } else {
        large_.emplace(*context_.store, item, record);
    }
    return true;
}

// Its value would be refused there; what is older there must go all the same (rule R4).
bool LogSender::is_too_large_for_peer(const storage::ItemView& item) const noexcept {
    const auto limit = context_.peer_item_limit_bytes;
    return limit != 0 &&
           storage::accounted_bytes(item.key.size(), item.value.size(), item.client_flags) > limit;
}

void LogSender::send_large(lib::ByteBuffer& out, std::size_t end_size, const storage::Now& now) {
    while (is_sending_large() && out.size() < end_size)
        send_segment(out, now);
}

// Only the last piece counts for the log: acknowledged, it acknowledges the whole value. A session
// that ends before begins with the first piece again.
void LogSender::send_segment(lib::ByteBuffer& out, const storage::Now& now) {
    auto& large = *large_;
    const auto segment = large.value.next(now.steady_ms, segment_size);
    const auto before = out.size();
    write_frame(out, context_.window.next_seq(), segment);
    const bool is_last = large.value.is_sent();
    InFlight frame;
    if (is_last) frame = {InFlight::Content::log, large.shard, large.position, 0, 0, 0};
    frame.bytes = out.size() - before;
    frame.sent_ms = now.steady_ms;
    context_.window.add(frame);
    if (!is_last) return;
    context_.counters.add(ExchangeCounter::records_sent);
    large_.reset();
}

}  // namespace twincached::replication::pair
