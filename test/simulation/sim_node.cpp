#include "test/simulation/sim_node.hpp"

#include "replication/records/data_frames.hpp"
#include "test/unit/replication/shortened_walk.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>

namespace twincached::simulation {

using replication::FrameStatus;
using replication::FrameType;

storage::Now SimClock::now(std::uint64_t world_ms) const noexcept {
    storage::Now now;
    now.steady_ms =
        steady_start_ms + static_cast<std::uint64_t>(static_cast<double>(world_ms) * drift);
    const auto version = static_cast<std::int64_t>(version_start_ms + world_ms) + version_step_ms;
    now.version_ms = static_cast<std::uint64_t>(std::max<std::int64_t>(version, 1));
    now.unix_seconds = 1'800'000'000;
    return now;
}

SimNode::SimNode(const NodeOptions& options, const lib::KeyedHash& hash, History& history)
    : options_(options), history_(history), gate_(options.shards, {}) {
    sink_ = std::make_unique<replication::ChangeSink>(options.shards, options.log_bytes, &gate_);
    observer_ = std::make_unique<Observer>(*sink_, history, options.number, options.defect);
    auto store = storage::default_store_options();
    store.memory_limit_bytes = options.memory_bytes;
    store.shards = options.shards;
    store.threads = 1;
    store.item_size_limit_bytes = options.item_size_limit_bytes;
    store.node = options.number;
    store_ = std::make_unique<storage::Store>(store, hash, *observer_);
    replication::pair::ExchangeOptions exchange;
    exchange.epoch = options.epoch;
    exchange.node = options.number;
    exchange.digest_run = options.digest_run;
    exchange_ = std::make_unique<replication::pair::Exchange>(*sink_, exchange);
    exchange_->attach(*store_);
}

SimNode::~SimNode() = default;

SimMemory SimNode::remember(bool alone) {
    auto remembered = exchange_->remember(alone);
    return memory_of(*store_, std::move(remembered));
}

void SimNode::recall(const SimMemory& memory, const storage::Now& now) {
    store_->restore(memory.registers);
    if (!exchange_->recall(memory.remembered, now)) std::abort();
    restore_items(*store_, memory, now, [&](const std::string& key) {
        history_.on_restored(options_.number, key, held_version(key, now));
    });
}

void SimNode::begin(const replication::pair::Standing& peer, const storage::Now& now) {
    exchange_->begin(peer, now);
    if (!options_.used_buckets.empty()) forget_unused_buckets();
}

// A fresh peer makes all 65,536 buckets dirty. Those without keys would be walked without a word of
// news: they are taken as walked.
void SimNode::forget_unused_buckets() {
    for (unsigned i = 0; i < sink_->shard_count(); ++i) {
        auto& buckets = sink_->shard(i).buckets;
        const auto& used = options_.used_buckets;
        if (buckets.dirty_count() <= used.size()) continue;
        std::vector<replication::pair::KeptBucket> kept;
        for (const auto b : used) {
            const bool is_here = b >= buckets.first() && b <= buckets.last();
            if (is_here) kept.push_back({b, buckets.floor(b), buckets.is_dirty(b)});
        }
        replication::pair::leave_only(kept, buckets);
        sink_->refresh(i);
    }
}

void SimNode::evict(std::string_view key, const storage::Now& now) {
    const auto hashed = store_->key(key);
    observer_->evicting = true;
    store_->with_shard(store_->shard_of(hashed.hash),
                       [&](storage::Shard& shard) { shard.drop_in_doubt(hashed, now); });
    observer_->evicting = false;
}

bool SimNode::receive(std::string_view bytes, const storage::Now& now) {
    received_.append(bytes);
    if (options_.defect == Defect::acks_overtake && !receive_acks_first(now)) return false;
    for (;;) {
        const auto read = replication::read_frame(received_.readable());
        if (read.status == FrameStatus::need_more) return true;
        if (read.status == FrameStatus::malformed) return false;
        if (!receive_frame(read.frame, now)) return false;
        received_.consume(read.size);
    }
}

bool SimNode::receive_acks_first(const storage::Now& now) {
    std::string rest;
    auto bytes = received_.readable();
    for (;;) {
        const auto read = replication::read_frame(bytes);
        if (read.status == FrameStatus::malformed) return false;
        if (read.status == FrameStatus::need_more) break;
        const bool is_ack = read.frame.type == FrameType::ack;
        if (!is_ack) rest += bytes.substr(0, read.size);
        if (is_ack && !exchange_->on_frame(read.frame, now)) return false;
        bytes.remove_prefix(read.size);
    }
    rest += bytes;
    received_.clear();
    received_.append(rest);
    return true;
}

bool SimNode::receive_frame(const replication::Frame& frame, const storage::Now& now) {
    if (history_.trace) {
        std::printf("         %c reads type %02x, sequence %llu, %zu bytes\n",
                    options_.number == 0 ? 'a' : 'b', static_cast<unsigned>(frame.type),
                    static_cast<unsigned long long>(frame.seq), frame.payload.size());
    }
    if (frame.type == FrameType::list) note_doubts(frame.payload, now);
    if (!exchange_->on_frame(frame, now)) return false;
    if (frame.type == FrameType::hint)
        history_.hints += replication::HintReader(frame.payload).size();
    if (frame.type == FrameType::segment) note_refusal(frame.payload, now);
    if (frame.type == FrameType::batch) check_heard(frame.payload, now);
    return true;
}

// Whatever a node has been told of a key, it holds that, or something newer, or nothing.
void SimNode::check_heard(std::string_view batch, const storage::Now& now) {
    replication::BatchReader reader(batch);
    replication::WireRecord record;
    while (reader.next(record)) {
        const auto held = held_version(record.key, now);
        history_.on_heard(options_.number, std::string(record.key), record.version, held);
        const bool is_item = record.kind == replication::RecordKind::item;
        if (is_item && held == 0) ++history_.drops_in_doubt;
    }
}

// An item that arrived and is not there: M says that it may be outdated. Nothing was dropped, but
// the nodes may differ by it.
void SimNode::note_refusal(std::string_view payload, const storage::Now& now) {
    const auto segment = replication::read_segment(payload);
    if (!segment || segment->offset + segment->record.value.size() < segment->total) return;
    if (held_version(segment->record.key, now) == 0) ++history_.drops_in_doubt;
}

// Items that the peer lists and this node will not ask for, for the same reason.
void SimNode::note_doubts(std::string_view payload, const storage::Now& now) {
    const replication::ListReader list(payload);
    if (!list.valid()) return;
    const auto shard_number = store_->shard_of_bucket(list.bucket());
    store_->with_shard(shard_number, [&](storage::Shard& shard) {
        const auto floor = sink_->shard(shard_number).buckets.floor(list.bucket());
        for (std::size_t i = 0; i < list.size(); ++i) {
            const bool has = shard.peek_hash(list[i].hash, now, [](const storage::ItemView&) {});
            if (!has && list[i].version <= floor) ++history_.drops_in_doubt;
        }
    });
}

storage::Version SimNode::held_version(std::string_view key, const storage::Now& now) {
    storage::Version held = 0;
    (void)store_->peek(store_->key(key), now,
                       [&](const storage::ItemView& item) { held = item.version; });
    return held;
}

std::uint64_t SimNode::uses() const noexcept {
    return observer_->uses;
}

std::uint64_t SimNode::digest() {
    std::uint64_t digest = 0;
    for (unsigned i = 0; i < sink_->shard_count(); ++i) {
        const auto& buckets = sink_->shard(i).buckets;
        for (std::size_t b = buckets.first(); b <= buckets.last(); ++b) {
            digest ^= buckets.digest(static_cast<storage::BucketNumber>(b));
        }
    }
    return digest;
}

}  // namespace twincached::simulation
