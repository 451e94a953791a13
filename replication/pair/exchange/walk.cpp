#include "replication/pair/exchange/walk.hpp"

#include <algorithm>

namespace twincached::replication::pair {
namespace {

// Both keep a shard's lock well under 300 µs.
constexpr std::size_t items_per_lock = 2048;
constexpr std::size_t lists_per_lock = 256;

// Of an item that the list does not name, by R9. The floor is the newest version that the peer may
// have removed: what is as new was not older than it, and stays.
bool is_in_doubt(const storage::ItemView& item, const ListReader& list) noexcept {
    return item.version != 0 && item.version < list.floor();
}

}  // namespace

bool SyncPace::allows(std::uint64_t now_ms) noexcept {
    if (rate_ == 0) return true;
    // At most a tenth of a second's worth is saved up.
    const auto passed = std::min<std::uint64_t>(now_ms - std::min(filled_ms_, now_ms), 100);
    filled_ms_ = now_ms;
    const auto most = static_cast<std::int64_t>(rate_ / 10);
    credit_ = std::min(credit_ + static_cast<std::int64_t>(rate_ * passed / 1000), most);
    return credit_ >= 0;
}

// --- sending ---------------------------------------------------------------------------------

struct WalkSender::Pass {
    unsigned shard_number;
    ShardTracking& tracking;
    lib::ByteBuffer& out;
    std::size_t end_size;  // of the buffer
    const storage::Now& now;
    std::size_t items = 0;
    std::size_t lists = 0;
};

// An empty node has nothing that digests could spare.
void WalkSender::begin(const Standing& peer) noexcept {
    const bool is_empty = context_.store->stats().total.items == 0;
    digests_pay_ = (peer.capabilities & capability_digests) != 0 &&
                   context_.options.digest_run > 0 && is_empty == (peer.items == 0);
}

bool WalkSender::may_send() const noexcept {
    if (lists_in_flight_ >= lists_limit || cost_in_flight_ >= wanted_limit_bytes) return false;
    if (context_.sum(&ShardTracking::dirty) == 0) return false;
    return cost_in_flight_ + context_.sum(&ShardTracking::wanted_bytes) < wanted_limit_bytes;
}

bool WalkSender::send_lists(lib::ByteBuffer& out, std::size_t budget_bytes,
                            const storage::Now& now) {
    if (!may_send() || !pace_.allows(now.steady_ms)) return false;
    const unsigned shards = context_.sink.shard_count();
    const auto before = out.size();
    for (unsigned i = 0; i < shards; ++i) {
        const unsigned shard = (next_shard_ + i) % shards;
        auto& tracking = context_.sink.shard(shard);
        if (tracking.dirty.load(std::memory_order_relaxed) == 0) continue;
        Pass pass{shard, tracking, out, before + budget_bytes, now};
        out.prepare(budget_bytes);
        context_.with_shard(shard,
                            [&](storage::Shard& storage_shard) { list_some(pass, storage_shard); });
        if (pass.lists > 0) {
            // The same shard goes on until it is done: neighbours in memory.
            next_shard_ = shard;
            break;
        }
    }
    pace_.spend(out.size() - before);
    stalled_ = out.size() == before;
    return !stalled_;
}

void WalkSender::list_some(Pass& pass, storage::Shard& shard) {
    auto& buckets = pass.tracking.buckets;
    auto from = buckets.first();
    while (pass.items < items_per_lock && pass.lists < lists_per_lock &&
           pass.out.size() < pass.end_size && lists_in_flight_ < lists_limit &&
           cost_in_flight_ < wanted_limit_bytes && !context_.window.is_full()) {
        const auto bucket = buckets.next_to_walk(from);
        if (!bucket) break;
        if (!digests_pay_ || !tell_digests(pass, *bucket)) list_bucket(pass, shard, *bucket);
        from = *bucket;
    }
    context_.sink.refresh(pass.shard_number);
}

// Rule R8, atomic in the shard: what the list does not say is logged from now on. The frame is in
// the window before anything else is done: should there be no memory to write it, the end of the
// session finds it there, and the bucket is dirty again.
void WalkSender::list_bucket(Pass& pass, storage::Shard& shard, storage::BucketNumber bucket) {
    auto& tracking = pass.tracking;
    const auto seq = context_.window.next_seq();
    context_.window.add({InFlight::Content::list, bucket, 0, 0, 0, pass.now.steady_ms});
    ++lists_in_flight_;
    tracking.buckets.begin_walk(bucket, seq);

    items_.clear();
    std::uint64_t cost = 0;
    lib::MemoryGuard guard;
    const auto visit = guard.over([&](const storage::ItemView& item) {
        if (item.version == 0) return;
        if (items_.size() == list_items_limit) {
            // More than a frame holds: these are told as changes. If there is no room for them
            // either, the bucket becomes dirty again, and what was told is not told twice.
            tracking.want({item.key, item.hash}, item.version, item_cost(item));
            return;
        }
        items_.push_back({item.hash, item.version});
        cost += item_cost(item);
    });
    shard.visit_bucket(bucket, pass.now, visit);
    guard.finish();

    const auto before = pass.out.size();
    write_list(pass.out, {FrameType::list, seq, bucket, tracking.buckets.floor(bucket)}, items_);
    context_.window.measure_last(cost, pass.out.size() - before);
    cost_in_flight_ += cost;
    ++pass.lists;
    pass.items += items_.size();
    context_.counters.add(ExchangeCounter::lists_sent);
}

// Rule R16: what a list would say in as many words is told by a digest, if the peer's is the same.
// For what happens to the bucket meanwhile it is a list.
bool WalkSender::tell_digests(Pass& pass, storage::BucketNumber first) {
    auto& buckets = pass.tracking.buckets;
    const auto count = buckets.digest_run(first, digests_limit);
    if (count < context_.options.digest_run) return false;
    const auto seq = context_.window.next_seq();
    digests_.clear();
    digests_.reserve(count);
    context_.window.add({InFlight::Content::digests, first, count, 0, 0, pass.now.steady_ms});
    for (std::size_t i = 0; i < count; ++i) {
        const auto bucket = static_cast<storage::BucketNumber>(first + i);
        buckets.begin_walk(bucket, seq);
        digests_.push_back({buckets.floor(bucket), buckets.digest(bucket)});
    }
    const auto before = pass.out.size();
    write_digests(pass.out, {FrameType::digest, seq, first}, digests_);
    context_.window.measure_last(0, pass.out.size() - before);
    ++pass.lists;
    pass.items += count / 8;
    context_.counters.add(ExchangeCounter::digests_sent, count);
    return true;
}

void WalkSender::on_list_gone(const InFlight& frame) noexcept {
    --lists_in_flight_;
    cost_in_flight_ -= frame.cost;
    stalled_ = false;
}

void WalkSender::end() noexcept {
    lists_in_flight_ = 0;
    cost_in_flight_ = 0;
    stalled_ = false;
}

// --- receiving -------------------------------------------------------------------------------

void ListReceiver::begin(storage::Version split) noexcept {
    split_ = split;
    memory_checked_ms_ = 0;
    for (unsigned i = 0; i < context_.sink.shard_count(); ++i) {
        evictions_before_[i] = context_.sink.shard(i).counters.get(TrackingCounter::evictions);
    }
}

// A node whose memory is full would throw out one item for every one that it takes in: it takes
// only what is newer than the time at which the two lost sight of each other.
bool ListReceiver::has_room(unsigned shard, const storage::Now& now) noexcept {
    const auto evictions = context_.sink.shard(shard).counters.get(TrackingCounter::evictions);
    if (evictions != evictions_before_[shard]) return false;
    if (evictions == 0) return true;
    constexpr std::uint64_t check_interval_ms = 100;
    if (memory_checked_ms_ == 0 || now.steady_ms - memory_checked_ms_ >= check_interval_ms) {
        memory_checked_ms_ = now.steady_ms;
        const auto stats = context_.store->stats();
        memory_is_full_ = stats.memory_used >= stats.memory_limit / 100 * 97;
    }
    return !memory_is_full_;
}

bool ListReceiver::apply(DigestReader digests, const storage::Now& now,
                         std::vector<storage::BucketNumber>& requests) {
    if (!digests.valid()) return false;
    const std::size_t end = digests.first() + digests.size();
    bool credible = true;
    for (std::size_t bucket = digests.first(); bucket < end && credible;) {
        const auto shard_number =
            context_.store->shard_of_bucket(static_cast<storage::BucketNumber>(bucket));
        const auto& buckets = context_.sink.shard(shard_number).buckets;
        context_.with_shard(shard_number, [&](storage::Shard& shard) {
            for (; bucket < end && bucket <= buckets.last(); ++bucket) {
                const auto number = static_cast<storage::BucketNumber>(bucket);
                const auto theirs = digests.next();
                credible = context_.admits(theirs.floor, now);
                if (!credible) return;
                shard.observe(theirs.floor);
                if (buckets.digest(number) != theirs.digest) requests.push_back(number);
            }
        });
    }
    return credible;
}

bool ListReceiver::take_over(const ListReader& list, const storage::Now& now) {
    if (!context_.admits(list.floor(), now)) return false;
    listed_.clear();
    bool is_sorted = true;
    for (std::size_t i = 0; i < list.size(); ++i) {
        const auto item = list[i];
        if (storage::bucket_of(item.hash) != list.bucket()) return false;
        if (!context_.admits_item(item.version, now)) return false;
        is_sorted = is_sorted && (listed_.empty() || listed_.back().item.hash <= item.hash);
        listed_.push_back({item, 0});
    }
    if (!is_sorted) {
        std::sort(listed_.begin(), listed_.end(),
                  [](const Listed& a, const Listed& b) { return a.item.hash < b.item.hash; });
    }
    return true;
}

// Rule R9, slice by slice: the lock is let go in between, and what clients change meanwhile is as
// if they had changed it after the list. What they made newer is asked for in vain at worst, and is
// not dropped.
bool ListReceiver::apply(const ListReader& list, const storage::Now& now,
                         std::vector<std::uint64_t>& wants) {
    if (!list.valid() || !take_over(list, now)) return false;
    context_.counters.add(ExchangeCounter::lists_received);
    if (listed_.empty() && list.floor() == 0) return true;

    const auto wants_before = wants.size();
    compare(list, now);
    const bool room = has_room(context_.store->shard_of_bucket(list.bucket()), now);
    ask_for_news(list.bucket(), room, wants);
    drop_doubtful(list, now);
    context_.counters.add(ExchangeCounter::wanted_by_us, wants.size() - wants_before);
    return true;
}

// Finds out which listed items are here, and which of ours are in doubt.
void ListReceiver::compare(const ListReader& list, const storage::Now& now) {
    auto newest = list.floor();
    for (const auto& listed : listed_)
        newest = std::max(newest, listed.item.version);
    doomed_.clear();
    doomed_keys_.clear();
    const auto observe = [&](storage::Shard& shard) {
        shard.observe(newest);
        return true;
    };
    context_.visit_bucket(list.bucket(), now, observe, [&](const storage::ItemView& item) {
        if (item.version == 0) return;
        auto at = std::lower_bound(
            listed_.begin(), listed_.end(), item.hash,
            [](const Listed& listed, std::uint64_t hash) { return listed.item.hash < hash; });
        if (at != listed_.end() && at->item.hash == item.hash) {
            at->held = item.version;
        } else if (is_in_doubt(item, list)) {
            doomed_.push_back({item.hash, doomed_keys_.size(), item.key.size()});
            doomed_keys_.append(item.key);
        }
    });
}

void ListReceiver::ask_for_news(storage::BucketNumber bucket, bool has_room,
                                std::vector<std::uint64_t>& wants) {
    const auto shard_number = context_.store->shard_of_bucket(bucket);
    auto& tracking = context_.sink.shard(shard_number);
    for (std::size_t i = 0; i < listed_.size();) {
        const auto end = std::min(listed_.size(), i + entries_per_hold);
        context_.with_shard(shard_number, [&](storage::Shard& shard) {
            for (; i < end; ++i) {
                const auto& listed = listed_[i];
                const bool fits = has_room || listed.held != 0 || listed.item.version > split_;
                if (fits && is_wanted(listed, shard, tracking, bucket))
                    wants.push_back(listed.item.hash);
            }
        });
    }
}

void ListReceiver::drop_doubtful(const ListReader& list, const storage::Now& now) noexcept {
    const auto shard_number = context_.store->shard_of_bucket(list.bucket());
    for (std::size_t i = 0; i < doomed_.size();) {
        const auto end = std::min(doomed_.size(), i + entries_per_hold);
        context_.store->with_shard(shard_number, [&](storage::Shard& shard) {
            for (; i < end; ++i) {
                const auto& doomed = doomed_[i];
                const storage::Key key{
                    std::string_view(doomed_keys_).substr(doomed.key_at, doomed.key_size),
                    doomed.hash};
                bool is_still = false;
                shard.peek(key, now, [&](const storage::ItemView& item) {
                    is_still = is_in_doubt(item, list);
                });
                if (is_still) shard.drop_in_doubt(key, now);
            }
            context_.sink.shard(shard_number).refresh_gauges();
        });
    }
}

// Rule R4's comparison, by hash.
bool ListReceiver::is_wanted(const Listed& listed, storage::Shard& shard, ShardTracking& tracking,
                             storage::BucketNumber bucket) const noexcept {
    const auto version = listed.item.version;
    if (version <= listed.held || version <= shard.flush_version()) return false;
    if (listed.held == 0 && version <= tracking.buckets.floor(bucket)) return false;
    return version > tracking.log.version_of_hash(listed.item.hash);
}

}  // namespace twincached::replication::pair
