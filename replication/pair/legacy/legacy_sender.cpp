#include "replication/pair/legacy/legacy_sender.hpp"

#include "lib/allocation.hpp"
#include "replication/changes/starting_over.hpp"
#include "replication/pair/legacy/legacy_command.hpp"

#include <algorithm>
#include <utility>

namespace twincached::replication::pair {
namespace {

constexpr unsigned entries_per_hold = 256;
constexpr unsigned buckets_per_hold = 256;
constexpr std::size_t items_per_step = 64;
// A walk visits some items at once, whatever they measure: larger ones are sent by themselves.
constexpr std::size_t walked_value_limit = 16U << 10;

// On the wall clock, as both nodes of an old pair have it.
std::int64_t exptime_of(storage::Expiry expiry, const storage::Now& now) noexcept {
    const auto left = expiry.seconds_left(now.tick());
    return left ? now.unix_seconds + *left : 0;
}

std::uint32_t size_hint_of(const storage::ItemView& item) noexcept {
    return static_cast<std::uint32_t>(item.key.size() + item.value.size());
}

// The other node will have everything: nothing that was noted for it counts any more.
void forget_changes(ShardTracking& tracking, storage::Store& store, unsigned number) noexcept {
    mark_shard_dirty(tracking, store, number, 0);
    store.with_shard(number, [&](storage::Shard&) {
        auto& buckets = tracking.buckets;
        for (std::size_t b = buckets.first(); b <= buckets.last(); ++b)
            buckets.restore(static_cast<storage::BucketNumber>(b), 0, false);
        tracking.refresh_gauges();
    });
}

}  // namespace

void LegacySender::begin(unsigned peer_node, bool owes_all, Instant now) {
    sent_.assign(sink_.shard_count(), 0);
    settled_.assign(sink_.shard_count(), 0);
    large_.clear();
    peer_node_ = peer_node;
    walk_ = Walk::none;
    all_was_sent_ = false;
    settles_at_ = now + settling_time;
    in_session_ = true;
    ends_dump_ = false;
    // Flushed before the two ever met: that is no news of this link. Nor is it to a node that is
    // empty.
    const bool was_flushed = sink_.take_flush_news();
    owes_flush_ = std::exchange(has_met_, true) && was_flushed && !owes_all;
    if (!owes_all) return;
    for (unsigned i = 0; i < sink_.shard_count(); ++i) {
        forget_changes(sink_.shard(i), *store_, i);
        store_->with_shard(i, [&](storage::Shard&) { sink_.refresh(i); });
    }
    owes_all_ = true;
    ends_dump_ = true;
    walk_ = Walk::all_items;
    cursor_ = storage::Store::Cursor{};
}

void LegacySender::end() noexcept {
    if (!std::exchange(in_session_, false)) return;
    sink_.set_resting(false);
    settles_at_.reset();
    walk_ = Walk::none;
    const bool may_be_lost = std::exchange(flush_settles_at_, std::nullopt).has_value();
    if (std::exchange(owes_flush_, false) || may_be_lost) sink_.tell_of_flush();
    for (unsigned i = 0; i < sink_.shard_count(); ++i) {
        store_->with_shard(i, [&](storage::Shard&) {
            sink_.shard(i).log.rewind();
            sink_.refresh(i);
        });
    }
}

void LegacySender::go_on_owing() {
    walk_ = Walk::all_items;
    ends_dump_ = false;
    cursor_ = storage::Store::Cursor{};
}

// --- what is to be told --------------------------------------------------------------------------

std::size_t LegacySender::produce(lib::ByteBuffer& out, std::size_t budget_bytes,
                                  const storage::Now& now) {
    const auto before = out.size();
    const auto end_size = before + budget_bytes;
    bool goes_on = in_session_;
    while (goes_on && out.size() < end_size) {
        const bool news = send_news(out, now);
        const bool changes = send_changes(out, end_size, now);
        const bool walked = send_walked(out, end_size, now);
        goes_on = news || changes || walked || log_dirty_buckets(now);
    }
    return out.size() - before;
}

bool LegacySender::wants_to_send() const noexcept {
    if (!has_dumped() || owes_flush_ || sink_.has_news()) return true;
    for (unsigned i = 0; i < sink_.shard_count(); ++i) {
        if (sink_.has_unsent(i)) return true;
    }
    return false;
}

bool LegacySender::may_rest() noexcept {
    sink_.set_resting(true);
    if (!wants_to_send()) return true;
    sink_.set_resting(false);
    return false;
}

bool LegacySender::is_drained() const noexcept {
    for (unsigned i = 0; i < sink_.shard_count(); ++i) {
        if (sink_.shard(i).dirty.load(std::memory_order_relaxed) > 0) return false;
    }
    return !wants_to_send();
}

// A flush has no version over there: what this node has written after it, and told before it, is
// gone. So what it holds of its own, which is little just after a flush, is told again.
bool LegacySender::send_news(lib::ByteBuffer& out, const storage::Now& now) {
    bool any = false;
    if (sink_.take_flush_news() || owes_flush_) {
        owes_flush_ = false;
        write_legacy(out, {.verb = LegacyVerb::flush});
        if (walk_ == Walk::none) walk_ = Walk::own_items;
        cursor_ = storage::Store::Cursor{};
        flush_settles_at_ = instant_of(now) + settling_time;
        any = true;
    }
    if (sink_.take_schedule_news()) {
        const auto schedule = store_->flush_schedule();
        const auto in_ms = static_cast<std::int64_t>(schedule.at_steady_ms - now.steady_ms);
        const bool is_to_come = schedule.at_steady_ms > now.steady_ms;
        if (is_to_come) {
            write_legacy(out, {.verb = LegacyVerb::flush_later,
                               .exptime = now.unix_seconds + (in_ms + 999) / 1000});
        }
        any = true;
    }
    return any;
}

// Of one shard, in turn.
bool LegacySender::send_changes(lib::ByteBuffer& out, std::size_t end_size,
                                const storage::Now& now) {
    const unsigned shards = sink_.shard_count();
    unsigned number = next_shard_;
    for (unsigned i = 0; !sink_.has_unsent(number); ++i) {
        if (i == shards) return false;
        number = (number + 1) % shards;
    }
    next_shard_ = (number + 1) % shards;
    lib::MemoryGuard guard;
    const auto send_some = guard.over([&](storage::Shard& shard) {
        auto& log = sink_.shard(number).log;
        for (unsigned i = 0; i < entries_per_hold && out.size() < end_size; ++i) {
            const auto found = log.next_unsent();
            if (!found) break;
            if (send_entry(out, shard, found, now)) {
                sent_[number] = log.mark_sent(found);
            } else {
                log.discard(found);
            }
        }
        sink_.refresh(number);
    });
    store_->with_shard(number, send_some);
    guard.finish();
    return true;
}

// False: the other node need not be told.
bool LegacySender::send_entry(lib::ByteBuffer& out, storage::Shard& shard,
                              const ChangeLog::Found& found, const storage::Now& now) {
    const auto& entry = *found.entry;
    bool is_present = false;
    bool is_own = true;
    lib::MemoryGuard guard;
    const auto visit = guard.over([&](const storage::ItemView& item) {
        is_present = item.version != 0 && item.version >= entry.version;
        is_own = storage::origin_of(item.version) != peer_node_;
        if (is_present && is_own) write_item(out, item, now);
    });
    shard.peek({entry.key(), entry.hash}, now, visit);
    guard.finish();
    if (is_present) return is_own;
    if (entry.version <= shard.flush_version()) return false;  // the flush itself tells
    write_removal(out, entry.key());
    return true;
}

// Where the log was too small, what this node holds of its own is told. What it has deleted there
// nobody knows by name.
bool LegacySender::log_dirty_buckets(const storage::Now& now) noexcept {
    bool has_come_on = false;
    for (unsigned number = 0; number < sink_.shard_count(); ++number) {
        auto& tracking = sink_.shard(number);
        const auto before = tracking.dirty.load(std::memory_order_relaxed);
        if (before == 0) continue;
        store_->with_shard(number, [&](storage::Shard& shard) {
            auto& buckets = tracking.buckets;
            auto from = buckets.first();
            for (unsigned i = 0; i < buckets_per_hold && tracking.log.unsent_entries() == 0; ++i) {
                const auto bucket = buckets.next_to_walk(from);
                if (!bucket) break;
                from = *bucket;
                buckets.restore(*bucket, buckets.floor(*bucket), false);
                shard.visit_bucket(*bucket, now, [&](const storage::ItemView& item) {
                    if (item.version == 0 || storage::origin_of(item.version) == peer_node_) return;
                    tracking.want({item.key, item.hash}, item.version, size_hint_of(item));
                });
            }
            sink_.refresh(number);
        });
        // A log that is full of what has not settled has no room for more yet.
        has_come_on |= tracking.dirty.load(std::memory_order_relaxed) < before;
    }
    return has_come_on;
}

// --- everything that is held
// -----------------------------------------------------------------------

bool LegacySender::send_walked(lib::ByteBuffer& out, std::size_t end_size,
                               const storage::Now& now) {
    if (walk_ == Walk::none) return false;
    while (out.size() < end_size && !large_.empty())
        send_large(out, now);
    if (!large_.empty() || out.size() >= end_size) return true;
    if (!cursor_) {
        end_walk(out);
        return true;
    }
    lib::MemoryGuard guard;
    const auto visit = guard.over([&](const storage::ItemView& item) {
        const bool is_own = storage::origin_of(item.version) != peer_node_;
        if (item.version == 0 || (walk_ == Walk::own_items && !is_own)) return;
        if (item.value.size() > walked_value_limit) return large_.push_back(item.hash);
        write_item(out, item, now);
    });
    cursor_ = store_->walk(*cursor_, items_per_step, now, visit);
    guard.finish();
    return true;
}

void LegacySender::end_walk(lib::ByteBuffer& out) {
    walk_ = Walk::none;
    if (!std::exchange(ends_dump_, false)) return;
    write_legacy(out, {.verb = LegacyVerb::end_of_dump});
    ++stats_.dumps_sent;
}

void LegacySender::send_large(lib::ByteBuffer& out, const storage::Now& now) {
    const auto hash = large_.back();
    large_.pop_back();
    lib::MemoryGuard guard;
    const auto visit =
        guard.over([&](const storage::ItemView& item) { write_item(out, item, now); });
    store_->with_shard(store_->shard_of(hash),
                       [&](storage::Shard& shard) { (void)shard.peek_hash(hash, now, visit); });
    guard.finish();
}

// An old node knows no stale items, and would tell one for a fresh one.
void LegacySender::write_item(lib::ByteBuffer& out, const storage::ItemView& item,
                              const storage::Now& now) {
    const LegacyCommand command{.verb = LegacyVerb::upsert,
                                .key = item.key,
                                .value = item.value,
                                .flags = item.client_flags,
                                .exptime = exptime_of(item.expiry, now),
                                .cas = item.cas};
    if (item.stale || !fits(command)) {
        ++stats_.sent_as_removals;
        return write_removal(out, item.key);
    }
    if (!may_be_named(item.key)) {
        ++stats_.unsendable;
        return;
    }
    write_legacy(out, command);
    ++stats_.sent;
}

void LegacySender::write_removal(lib::ByteBuffer& out, std::string_view key) {
    if (!may_be_named(key)) {
        ++stats_.unsendable;
        return;
    }
    write_legacy(out, {.verb = LegacyVerb::removal, .key = key});
    ++stats_.sent;
}

// --- what may be forgotten -----------------------------------------------------------------------

// Everything that had been sent by the last time, one settling time ago.
void LegacySender::settle(Instant now) noexcept {
    if (flush_settles_at_ && now >= *flush_settles_at_) flush_settles_at_.reset();
    if (!settles_at_ || now < *settles_at_) return;
    settles_at_ = now + settling_time;
    for (unsigned i = 0; i < sink_.shard_count(); ++i) {
        const auto position = std::exchange(settled_[i], sent_[i]);
        if (position == 0) continue;
        store_->with_shard(i, [&](storage::Shard&) {
            sink_.shard(i).log.acknowledge(position);
            sink_.refresh(i);
        });
    }
    if (all_was_sent_) owes_all_ = false;
    all_was_sent_ = walk_ != Walk::all_items && large_.empty();
}

void LegacySender::settle_all() noexcept {
    for (unsigned i = 0; i < sink_.shard_count(); ++i) {
        store_->with_shard(i, [&](storage::Shard&) {
            if (sent_[i] != 0) sink_.shard(i).log.acknowledge(sent_[i]);
            sink_.refresh(i);
        });
    }
}

}  // namespace twincached::replication::pair
