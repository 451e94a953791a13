// What the store of a node that replicates reports its changes to: per shard a change log, beside
// it the buckets of the keys that the shard holds. Everything of a shard is guarded by that shard's
// lock: it is touched only inside the sink's calls, which the shard makes, and by the exchange
// inside Store::with_shard. A writer pays for one index look-up and a few bytes in a chunk; it
// wakes the replication strand only if that has said that it rests.
#pragma once

#include "replication/ack_gate.hpp"
#include "replication/changes/shard_tracking.hpp"
#include "storage/mutation.hpp"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

namespace twincached::replication {

class ChangeSink final : public storage::MutationSink {
  public:
    // REQUIRES: `shards` is a power of two, at most 65,536, and the number of the store's shards.
    // The gate, if there is one, hears how far the peer has come.
    ChangeSink(unsigned shards, std::size_t log_memory_bytes, AckGate* gate = nullptr);
    ~ChangeSink() override;

    // Called by a writer's thread, under a shard's lock, when it finds the strand at rest: it
    // must be short and must not throw (post to the strand). Set before the store is built.
    void set_wake(std::function<void()> wake);

    void prefetch(unsigned shard, std::uint64_t hash) const noexcept override;
    storage::Ticket on_change(unsigned shard, const storage::Change& change) noexcept override;
    storage::Version known_version(unsigned shard, const storage::Key& key,
                                   bool present) noexcept override;
    void on_hint(unsigned shard, std::uint64_t hash) noexcept override;
    storage::Ticket on_flush(storage::Version version) noexcept override;
    void on_flush_scheduled(std::uint64_t at_steady_ms, storage::Version version) noexcept override;
    bool fires_foreign_schedule() noexcept override;

    // --- for the exchange ------------------------------------------------------------------
    unsigned shard_count() const noexcept { return static_cast<unsigned>(shards_.size()); }
    // REQUIRES: the shard's lock, but for the gauges.
    ShardTracking& shard(unsigned shard) noexcept { return *shards_[shard]; }
    const ShardTracking& shard(unsigned shard) const noexcept { return *shards_[shard]; }

    bool has_unsent(unsigned shard) const noexcept {
        return unsent_[shard].load(std::memory_order_seq_cst) != 0;
    }
    // REQUIRES: the shard's lock. To be called after the strand took entries from the log, or
    // put some in, or the peer acknowledged some.
    void refresh(unsigned shard) noexcept;
    AckGate* gate() noexcept { return gate_; }
    // The strand: entries were left out because a flush has overtaken them; they count as heard of
    // when the peer knows that flush.
    void left_out(storage::Version flush) noexcept { left_out_ = std::max(left_out_, flush); }
    void peer_knows_flush(storage::Version flush) noexcept {
        known_flush_ = std::max(known_flush_, flush);
    }

    // The peer may not know of this node's last flush: it is news again.
    void tell_of_flush() noexcept;
    // A flush or a schedule is to be sent. Taking it resets it.
    bool has_news() const noexcept { return flush_news_.load() || schedule_news_.load(); }
    bool take_flush_news() noexcept { return flush_news_.exchange(false); }
    // By this node's clients. To be read after the news was taken and before the store's version:
    // so it counts no flush that this version does not cover.
    std::uint64_t flushes() const noexcept { return flushes_.load(); }
    bool take_schedule_news() noexcept { return schedule_news_.exchange(false); }

    // Whether there is a peer that wants to hear what is in use here.
    void set_hinting(bool hinting) noexcept { hinting_.store(hinting, std::memory_order_relaxed); }
    void set_linked(bool linked) noexcept { linked_.store(linked); }
    // The next change calls the wake function. Check for work after it, then rest.
    void set_resting(bool resting) noexcept { resting_.store(resting); }

  private:
    void wake_if_resting() noexcept;

    std::vector<std::unique_ptr<ShardTracking>> shards_;
    // Per shard: its log has unsent entries. Side by side, so that the strand sees all at a
    // glance; written only when the answer changes.
    std::unique_ptr<std::atomic<std::uint8_t>[]> unsent_;
    std::atomic<bool> flush_news_{false};
    std::atomic<std::uint64_t> flushes_{0};
    AckGate* const gate_;
    storage::Version left_out_ = 0;
    storage::Version known_flush_ = 0;
    std::atomic<bool> schedule_news_{false};
    std::atomic<bool> hinting_{false};
    std::atomic<bool> linked_{false};
    std::atomic<bool> resting_{false};
    std::function<void()> wake_;
};

}  // namespace twincached::replication
