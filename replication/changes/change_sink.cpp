#include "replication/changes/change_sink.hpp"

#include "lib/allocation.hpp"

#include <bit>
#include <cassert>
#include <utility>

namespace twincached::replication {

ChangeSink::ChangeSink(unsigned shards, std::size_t log_memory_bytes, AckGate* gate)
    : unsent_(std::make_unique<std::atomic<std::uint8_t>[]>(shards)), gate_(gate) {
    assert(std::has_single_bit(shards) && shards <= storage::bucket_count);
    const std::size_t buckets = storage::bucket_count / shards;
    for (unsigned i = 0; i < shards; ++i) {
        const auto first = static_cast<storage::BucketNumber>(i * buckets);
        shards_.push_back(
            std::make_unique<ShardTracking>(first, buckets, log_memory_bytes / shards));
    }
}

ChangeSink::~ChangeSink() = default;

void ChangeSink::set_wake(std::function<void()> wake) {
    wake_ = std::move(wake);
}

void ChangeSink::prefetch(unsigned shard, std::uint64_t hash) const noexcept {
    shards_[shard]->prefetch(hash);
}

storage::Ticket ChangeSink::on_change(unsigned shard, const storage::Change& change) noexcept {
    auto& tracking = *shards_[shard];
    const auto position = tracking.on_change(change);
    // Only the first entry of a run is news: while the mark stands, the strand has not rested.
    if (tracking.log.unsent_entries() > 0 && unsent_[shard].load(std::memory_order_relaxed) == 0) {
        unsent_[shard].store(1, std::memory_order_seq_cst);
        wake_if_resting();
    }
    return {shard, position};
}

storage::Version ChangeSink::known_version(unsigned shard, const storage::Key& key,
                                           bool present) noexcept {
    return shards_[shard]->known_version(key, present);
}

// Wakes nobody: the strand looks at the hints when it has a moment.
void ChangeSink::on_hint(unsigned shard, std::uint64_t hash) noexcept {
    if (hinting_.load(std::memory_order_relaxed)) shards_[shard]->on_hint(hash);
}

storage::Ticket ChangeSink::on_flush(storage::Version) noexcept {
    const auto number = flushes_.fetch_add(1) + 1;
    tell_of_flush();
    return {shard_count(), number};
}

void ChangeSink::tell_of_flush() noexcept {
    flush_news_.store(true);
    wake_if_resting();
}

void ChangeSink::on_flush_scheduled(std::uint64_t, storage::Version) noexcept {
    schedule_news_.store(true);
    wake_if_resting();
}

bool ChangeSink::fires_foreign_schedule() noexcept {
    return !linked_.load();
}

void ChangeSink::refresh(unsigned shard) noexcept {
    auto& tracking = *shards_[shard];
    tracking.refresh_gauges();
    unsent_[shard].store(tracking.log.unsent_entries() > 0 ? 1 : 0, std::memory_order_seq_cst);
    if (gate_ == nullptr || left_out_ > known_flush_) return;
    gate_->settle(shard, tracking.log.head(), tracking.counters.get(TrackingCounter::overflows));
}

// Without memory to wake it the strand rests on, until it looks at the logs by itself: when a
// heartbeat is due at the latest.
void ChangeSink::wake_if_resting() noexcept {
    if (!resting_.load() || !resting_.exchange(false) || !wake_) return;
    if (!lib::has_memory_for(wake_)) resting_.store(true);
}

}  // namespace twincached::replication
