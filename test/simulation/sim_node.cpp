#include "test/simulation/sim_node.hpp"

#include "replication/pair/frame.hpp"

#include <algorithm>

namespace twincached::simulation {

using replication::pair::FrameStatus;

storage::Now SimClock::now(std::uint64_t world_ms) const noexcept {
    storage::Now now;
    now.steady_ms =
        steady_start_ms + static_cast<std::uint64_t>(static_cast<double>(world_ms) * drift);
    const auto version = static_cast<std::int64_t>(version_start_ms + world_ms) + version_step_ms;
    now.version_ms = static_cast<std::uint64_t>(std::max<std::int64_t>(version, 1));
    now.unix_seconds = 1'800'000'000;
    return now;
}

// Stands between store and sink: tells the history, and lets a drop pass for an eviction.
class SimNode::Observer final : public storage::MutationSink {
  public:
    Observer(storage::MutationSink& sink, History& history, unsigned node)
        : sink_(sink), history_(history), node_(node) {}

    storage::Ticket on_change(unsigned shard, const storage::Change& change) noexcept override {
        auto seen = change;
        if (evicting) seen.cause = storage::Cause::evicted;
        history_.on_change(node_, seen);
        return sink_.on_change(shard, seen);
    }
    storage::Version known_version(unsigned shard, const storage::Key& key,
                                   bool present) noexcept override {
        return sink_.known_version(shard, key, present);
    }
    storage::Ticket on_flush(storage::Version version) noexcept override {
        return sink_.on_flush(version);
    }
    void on_flush_scheduled(std::uint64_t at_ms, storage::Version version) noexcept override {
        sink_.on_flush_scheduled(at_ms, version);
    }
    bool fires_peers_schedule() noexcept override { return sink_.fires_peers_schedule(); }

    bool evicting = false;

  private:
    storage::MutationSink& sink_;
    History& history_;
    unsigned node_;
};

SimNode::SimNode(const NodeOptions& options, const lib::KeyedHash& hash, History& history)
    : options_(options) {
    sink_ = std::make_unique<replication::pair::PairSink>(options.shards, options.log_bytes);
    observer_ = std::make_unique<Observer>(*sink_, history, options.number);
    storage::StoreOptions store;
    store.memory_limit_bytes = options.memory_bytes;
    store.shards = options.shards;
    store.threads = 1;
    store.node = options.number;
    store_ = std::make_unique<storage::Store>(store, hash, *observer_);
    replication::pair::ExchangeOptions exchange;
    exchange.epoch = options.epoch;
    exchange.node = options.number;
    exchange_ = std::make_unique<replication::pair::Exchange>(*sink_, exchange);
    exchange_->attach(*store_);
}

SimNode::~SimNode() = default;

void SimNode::begin(const replication::pair::Hello& peer, const storage::Now& now) {
    exchange_->begin(peer, now);
    if (options_.used_buckets.empty()) return;
    for (unsigned i = 0; i < sink_->shard_count(); ++i) {
        auto& buckets = sink_->shard(i).buckets;
        if (buckets.dirty_count() <= options_.used_buckets.size()) continue;
        for (std::size_t b = buckets.first(); b <= buckets.last(); ++b) {
            const auto bucket = static_cast<storage::BucketNumber>(b);
            const auto& used = options_.used_buckets;
            if (std::find(used.begin(), used.end(), bucket) != used.end()) continue;
            buckets.begin_walk(bucket, 1);
            buckets.end_walk(bucket);
        }
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
    for (;;) {
        const auto read = replication::pair::read_frame(received_.readable());
        if (read.status == FrameStatus::need_more) return true;
        if (read.status == FrameStatus::malformed) return false;
        if (!exchange_->on_frame(read.frame, now)) return false;
        received_.consume(read.size);
    }
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
