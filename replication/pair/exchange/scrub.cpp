#include "replication/pair/exchange/scrub.hpp"

#include <algorithm>
#include <utility>

namespace twincached::replication::pair {
namespace {

constexpr std::uint16_t first_protocol = 2;
// Fewer are not worth a frame, unless a whole round takes no longer than this many.
constexpr std::size_t digests_at_least = 64;

constexpr bool by_hash(const BucketItem& one, const BucketItem& other) noexcept {
    return one.hash < other.hash;
}

}  // namespace

// The first round begins when the session does; a peer of the first protocol is told nothing.
void Scrub::begin(const Standing& peer, const storage::Now& now) noexcept {
    peer_understands_ = peer.protocol >= first_protocol;
    told_at_ms_ = now.steady_ms;
}

void Scrub::end() noexcept {
    peer_understands_ = false;
    asked_of_us_.clear();
    to_ask_.clear();
}

// None of these frames is acknowledged: one that is lost with its session is told in the next
// round.
bool Scrub::on_frame(const Frame& frame, const storage::Now& now) {
    if (frame.type == FrameType::scrub) return compare_digests(DigestReader(frame.payload));
    if (frame.type == FrameType::scrub_list) return compare_list(ListReader(frame.payload), now);
    const BucketRequestReader requests(frame.payload);
    if (!requests.valid()) return false;
    const auto room = wanted_limit - std::min(wanted_limit, asked_of_us_.size());
    for (std::size_t i = 0; i < std::min(room, requests.size()); ++i)
        asked_of_us_.push_back(requests[i]);
    return true;
}

// --- what the peer tells ---------------------------------------------------------------------

// Only buckets that are at rest on both sides can be compared: the peer tells settled ones, and
// this node looks whether it has said all of its own. What is in flight would differ, and be no
// defect.
bool Scrub::compare_digests(DigestReader digests) {
    if (!digests.valid()) return false;
    const std::size_t end = digests.first() + digests.size();
    for (std::size_t bucket = digests.first(); bucket < end;) {
        const auto shard_number =
            context_.store->shard_of_bucket(static_cast<storage::BucketNumber>(bucket));
        const auto& tracking = context_.sink.shard(shard_number);
        context_.with_shard(shard_number, [&](storage::Shard&) {
            for (; bucket < end && bucket <= tracking.buckets.last(); ++bucket) {
                const auto number = static_cast<storage::BucketNumber>(bucket);
                const auto theirs = digests.next().digest;
                if (!tracking.is_settled(number)) continue;
                context_.counters.add(ExchangeCounter::scrub_compared);
                if (tracking.buckets.digest(number) == theirs) continue;
                context_.counters.add(ExchangeCounter::scrub_differing);
                if (to_ask_.size() < wanted_limit) to_ask_.push_back(number);
            }
        });
    }
    return true;
}

// As strict as with a list of a resync, though nothing is dropped by it: a hash of another bucket,
// or a version out of any clock, shows that the peer is not sane.
bool Scrub::compare_list(const ListReader& list, const storage::Now& now) {
    if (!list.valid()) return false;
    items_.clear();
    for (std::size_t i = 0; i < list.size(); ++i) {
        if (storage::bucket_of(list[i].hash) != list.bucket()) return false;
        if (!context_.admits_item(list[i].version, now)) return false;
        items_.push_back(list[i]);
    }
    std::sort(items_.begin(), items_.end(), by_hash);
    compare_items(list.bucket(), now);
    return true;
}

// Slice by slice. A change in between, of which the peer can have acknowledged nothing meanwhile,
// unsettles the bucket: then there is nothing to compare.
void Scrub::compare_items(storage::BucketNumber bucket, const storage::Now& now) {
    const auto shard_number = context_.store->shard_of_bucket(bucket);
    auto& tracking = context_.sink.shard(shard_number);
    std::size_t in_both = 0;
    std::size_t ours = 0;
    defects_.clear();
    const auto settled = [&](storage::Shard&) { return tracking.is_settled(bucket); };
    const bool compared =
        context_.visit_bucket(bucket, now, settled, [&](const storage::ItemView& item) {
            if (item.version == 0) return;
            ++ours;
            const auto theirs =
                std::lower_bound(items_.begin(), items_.end(), BucketItem{item.hash, 0}, by_hash);
            if (theirs == items_.end() || theirs->hash != item.hash) return;
            ++in_both;
            if (theirs->version != item.version) defects_.push_back(*theirs);
        });
    if (!compared) return;
    context_.counters.add(
        ExchangeCounter::scrub_one_sided,
        (ours - std::min(ours, in_both)) + (items_.size() - std::min(items_.size(), in_both)));
    mend(shard_number, now);
}

// The newer of the two versions goes to the other node.
void Scrub::mend(unsigned shard_number, const storage::Now& now) {
    auto& tracking = context_.sink.shard(shard_number);
    context_.counters.add(ExchangeCounter::scrub_defects, defects_.size());
    for (std::size_t i = 0; i < defects_.size();) {
        const auto end = std::min(defects_.size(), i + entries_per_hold);
        context_.with_shard(shard_number, [&](storage::Shard& shard) {
            lib::MemoryGuard guard;
            const auto visit = guard.over([&](const storage::ItemView& item) {
                if (item.version == 0) return;
                if (defects_[i].version > item.version) return incoming_.want(item.hash);
                tracking.want({item.key, item.hash}, item.version, item_cost(item));
            });
            for (; i < end; ++i)
                shard.peek_hash(defects_[i].hash, now, visit);
            guard.finish();
            context_.sink.refresh(shard_number);
        });
    }
}

// --- what is told ----------------------------------------------------------------------------

void Scrub::produce(lib::ByteBuffer& out, std::size_t end_size, const storage::Now& now) {
    if (!peer_understands_) return;
    if (!to_ask_.empty()) {
        write_bucket_requests(out, FrameType::scrub_want, to_ask_);
        to_ask_.clear();
    }
    send_lists(out, end_size, now);
    const auto count = due(now);
    if (count > 0 && out.size() < end_size) {
        told_at_ms_ = now.steady_ms;
        send_digests(out, count);
    }
}

// The last one asked for first: the order does not matter, and nothing has to be moved.
void Scrub::send_lists(lib::ByteBuffer& out, std::size_t end_size, const storage::Now& now) {
    while (!asked_of_us_.empty() && out.size() < end_size) {
        const auto bucket = asked_of_us_.back();
        asked_of_us_.pop_back();
        if (list_bucket(bucket, now))
            write_list(out, {FrameType::scrub_list, 0, bucket, 0}, items_);
    }
}

// False: not now, for what is on its way would be missed; or never, for it would fill no frame.
bool Scrub::list_bucket(storage::BucketNumber bucket, const storage::Now& now) {
    const auto shard_number = context_.store->shard_of_bucket(bucket);
    bool is_whole = false;
    items_.clear();
    context_.with_shard(shard_number, [&](storage::Shard& shard) {
        if (!context_.sink.shard(shard_number).is_settled(bucket)) return;
        lib::MemoryGuard guard;
        const auto visit = guard.over([&](const storage::ItemView& item) {
            if (item.version != 0) items_.push_back({item.hash, item.version});
        });
        shard.visit_bucket(bucket, now, visit);
        guard.finish();
        is_whole = items_.size() <= list_items_limit;
    });
    return is_whole;
}

// How many buckets are to be told now, so that a round takes the interval.
std::size_t Scrub::due(const storage::Now& now) noexcept {
    const auto interval = context_.options.scrub_interval_ms;
    if (interval == 0) return 0;
    const auto passed = now.steady_ms - std::min(told_at_ms_, now.steady_ms);
    const auto count = passed * storage::bucket_count / interval;
    if (count < digests_at_least) return 0;
    return static_cast<std::size_t>(std::min<std::uint64_t>(count, digests_at_once));
}

// A run of settled buckets; one that is not settled ends it, and waits for the next round.
void Scrub::send_digests(lib::ByteBuffer& out, std::size_t count) {
    const auto end = std::min(cursor_ + count, storage::bucket_count);
    while (cursor_ < end) {
        const auto first = static_cast<storage::BucketNumber>(cursor_);
        const auto shard_number = context_.store->shard_of_bucket(first);
        const auto& tracking = context_.sink.shard(shard_number);
        digests_.clear();
        context_.with_shard(shard_number, [&](storage::Shard&) {
            for (; cursor_ < end && cursor_ <= tracking.buckets.last(); ++cursor_) {
                const auto bucket = static_cast<storage::BucketNumber>(cursor_);
                if (!tracking.is_settled(bucket)) break;
                digests_.push_back({0, tracking.buckets.digest(bucket)});
            }
        });
        if (digests_.empty()) {
            ++cursor_;
            continue;
        }
        write_digests(out, {FrameType::scrub, 0, first}, digests_);
        context_.counters.add(ExchangeCounter::scrub_told, digests_.size());
    }
    if (cursor_ < storage::bucket_count) return;
    cursor_ = 0;
    context_.counters.add(ExchangeCounter::scrub_rounds);
}

}  // namespace twincached::replication::pair
