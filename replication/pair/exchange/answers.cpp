#include "replication/pair/exchange/answers.hpp"

#include <algorithm>
#include <array>
#include <span>

namespace twincached::replication::pair {
namespace {

// Looking up one hash after the other would wait for memory at each.
std::size_t fetch_ahead(const AckReader& ack, std::size_t from, const storage::Shard& shard,
                        const ChangeLog& log) noexcept {
    std::array<std::uint64_t, ChangeLog::fetched_at_once> hashes;
    const auto count = std::min(hashes.size(), ack.size() - from);
    for (std::size_t i = 0; i < count; ++i)
        hashes[i] = ack[from + i];
    const auto ahead = std::span(hashes).first(count);
    log.prefetch(ahead);
    shard.prefetch(ahead);
    return from + count;
}

}  // namespace

// Rule R10: first what is wanted enters the log, then what is acknowledged leaves it. The other way
// round, a link that breaks in between would leave nobody who knows that the item is wanted.
bool Answers::on_ack(const AckReader& ack, const storage::Now& now) noexcept {
    if (!ack.valid() || !context_.window.could_acknowledge(ack.seq())) return false;
    record_wanted(ack, now);
    context_.window.acknowledge(
        ack.seq(), [this](std::uint64_t seq, const InFlight& frame) { set_free(seq, frame); });
    context_.counters.add(ExchangeCounter::peer_nomem, ack.not_stored());
    return true;
}

// Hashes come in the order of buckets, and so of shards: neighbours share one hold of the lock, up
// to a limit, for how many there are is the peer's to say. An item that is gone needs no entry:
// what removed it has told the sink (R5, R7).
void Answers::record_wanted(const AckReader& ack, const storage::Now& now) noexcept {
    std::uint64_t bytes = 0;
    for (std::size_t i = 0; i < ack.size();) {
        const auto shard_number = context_.store->shard_of(ack[i]);
        auto& tracking = context_.sink.shard(shard_number);
        const auto end = std::min(ack.size(), i + entries_per_hold);
        context_.store->with_shard(shard_number, [&](storage::Shard& shard) {
            for (auto fetched = i; i < end; ++i) {
                if (context_.store->shard_of(ack[i]) != shard_number) break;
                if (i == fetched) fetched = fetch_ahead(ack, i, shard, tracking.log);
                shard.peek_hash(ack[i], now, [&](const storage::ItemView& item) {
                    if (item.version == 0) return;
                    const auto size = item_cost(item);
                    tracking.want({item.key, item.hash}, item.version, size);
                    bytes += size;
                });
            }
            context_.sink.refresh(shard_number);
        });
    }
    walk_.on_wanted(bytes);
    context_.counters.add(ExchangeCounter::wanted_by_peer, ack.size());
}

// Frames are acknowledged in order, each for what it carried.
void Answers::set_free(std::uint64_t seq, const InFlight& frame) noexcept {
    switch (frame.content) {
        case InFlight::Content::log:
            return free_log(frame);
        case InFlight::Content::list:
            free_buckets(seq, frame, 1);
            return walk_.on_list_gone(frame);
        case InFlight::Content::digests:
            free_buckets(seq, frame, frame.position);
            return walk_.on_digests_gone();
        case InFlight::Content::flush:
            return free_flush(frame);
        case InFlight::Content::other:
            return;
    }
}

// One hold of the lock for a whole batch: its entries are the oldest of their log.
void Answers::free_log(const InFlight& frame) noexcept {
    context_.store->with_shard(frame.place, [&](storage::Shard&) {
        context_.sink.shard(frame.place).log.acknowledge(frame.position);
        context_.sink.refresh(frame.place);
    });
}

// A bucket that has become dirty and been walked again meanwhile waits for the later frame.
void Answers::free_buckets(std::uint64_t seq, const InFlight& frame, std::size_t count) noexcept {
    const auto first = static_cast<storage::BucketNumber>(frame.place);
    const auto shard = context_.store->shard_of_bucket(first);
    auto& tracking = context_.sink.shard(shard);
    context_.store->with_shard(shard, [&](storage::Shard&) {
        for (std::size_t i = 0; i < count; ++i) {
            const auto bucket = static_cast<storage::BucketNumber>(frame.place + i);
            if (tracking.buckets.walk_seq(bucket) == seq) tracking.buckets.end_walk(bucket);
        }
        tracking.refresh_gauges();
    });
}

// Flushes are counted, not listed: one acknowledgement settles all that had been told by then, and
// what floors and entries the flush made superfluous goes from each shard.
void Answers::free_flush(const InFlight& frame) noexcept {
    context_.sink.peer_knows_flush(frame.cost);
    if (auto* gate = context_.sink.gate()) gate->settle_flushes(frame.position);
    for (unsigned i = 0; i < context_.sink.shard_count(); ++i) {
        context_.store->with_shard(i, [&](storage::Shard&) { context_.sink.refresh(i); });
    }
}

// The peer's digests of these differ: their walk by digest was in vain, and they are walked again,
// by list. It asks before it acknowledges the digests, so that none is taken for settled in
// between.
bool Answers::on_bucket_requests(const BucketRequestReader& requests) noexcept {
    if (!requests.valid()) return false;
    for (std::size_t i = 0; i < requests.size();) {
        const auto shard = context_.store->shard_of_bucket(requests[i]);
        auto& tracking = context_.sink.shard(shard);
        context_.store->with_shard(shard, [&](storage::Shard&) {
            const auto end = std::min(requests.size(), i + entries_per_hold);
            for (; i < end && context_.store->shard_of_bucket(requests[i]) == shard; ++i)
                tracking.buckets.ask_for_list(requests[i]);
            tracking.refresh_gauges();
        });
    }
    context_.counters.add(ExchangeCounter::digests_denied, requests.size());
    walk_.on_digests_gone();
    return true;
}

// Rule R11: what the peer has not acknowledged it may never have seen.
void Answers::give_up() noexcept {
    context_.window.reset([this](const InFlight& frame) { abandon(frame); });
    for (unsigned i = 0; i < context_.sink.shard_count(); ++i) {
        context_.store->with_shard(i, [&](storage::Shard&) {
            context_.sink.shard(i).log.rewind();
            context_.sink.refresh(i);
        });
    }
}

// Log entries need nothing here: rewinding makes them unsent again. A list, or digests, were taken
// for told when they were sent, so their buckets become dirty once more.
void Answers::abandon(const InFlight& frame) noexcept {
    const bool is_list = frame.content == InFlight::Content::list;
    if (!is_list && frame.content != InFlight::Content::digests) return;
    const auto first = static_cast<storage::BucketNumber>(frame.place);
    const auto shard = context_.store->shard_of_bucket(first);
    const auto end = first + (is_list ? 1 : frame.position);
    context_.store->with_shard(shard, [&](storage::Shard&) {
        for (std::size_t bucket = first; bucket < end; ++bucket) {
            const auto number = static_cast<storage::BucketNumber>(bucket);
            context_.sink.shard(shard).buckets.abandon_walk(number);
        }
    });
}

}  // namespace twincached::replication::pair
