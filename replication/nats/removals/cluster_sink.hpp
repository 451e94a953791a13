// What the store of a cluster's node reports its changes to: per shard the change log of what this
// node has not told (replication/changes), and beside it what is kept of removals that not every
// other node has come past. Everything of a shard is guarded by that shard's lock.
#pragma once

#include "replication/changes/change_sink.hpp"
#include "replication/changes/zeroed_array.hpp"
#include "replication/nats/removals/kept_removals.hpp"
#include "storage/mutation.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace twincached::replication::nats {

class ClusterSink final : public storage::MutationSink {
  public:
    // As ChangeSink; `removals_bytes`: what the removals of all shards may take.
    ClusterSink(unsigned shards, std::size_t log_memory_bytes, AckGate* gate = nullptr,
                std::size_t removals_bytes = 16U << 20);

    // Its set_wake(), its gate(), and what the engine does with it.
    ChangeSink& changes() noexcept { return changes_; }
    const ChangeSink& changes() const noexcept { return changes_; }
    // REQUIRES: the shard's lock.
    KeptRemovals& removals(unsigned shard) noexcept { return *removals_[shard]; }
    // The same for any reader, as of a moment ago: how many, and how many found no room.
    std::uint64_t kept(unsigned shard) const noexcept { return removals_[shard]->kept_gauge(); }
    std::uint64_t folded(unsigned shard) const noexcept { return removals_[shard]->folded_gauge(); }
    // REQUIRES of both: the shard's lock. A removal of a key of the bucket may have no place in the
    // cluster's log yet: what others hold of it may be gone here, and nobody has been told why.
    bool has_untold_removal(unsigned shard, storage::BucketNumber bucket) const noexcept;
    void note_untold_removal(unsigned shard, storage::BucketNumber bucket) noexcept;
    // The replication thread, on which alone versions from outside are judged: what is applied from
    // now on is given by a donor, or it is not.
    void set_taking_from_donor(bool whether) noexcept { is_taking_from_donor_ = whether; }
    // Whether this node carries out the flush to come that another node's client has asked for.
    void set_fires_foreign_schedule(bool whether) noexcept { fires_.store(whether); }
    // Until then no other node takes this one for gone, and does instead what its client asked for.
    void set_counted_on_until(std::uint64_t steady_ms) noexcept { counted_on_until_ = steady_ms; }

    void prefetch(unsigned shard, std::uint64_t hash) const noexcept override {
        changes_.prefetch(shard, hash);
    }
    storage::Ticket on_change(unsigned shard, const storage::Change& change) noexcept override;
    storage::Version known_version(unsigned shard, const storage::Key& key,
                                   bool present) noexcept override;
    void on_hint(unsigned shard, std::uint64_t hash) noexcept override {
        changes_.on_hint(shard, hash);
    }
    storage::Ticket on_flush(storage::Version version) noexcept override {
        return changes_.on_flush(version);
    }
    void on_flush_scheduled(std::uint64_t at_steady_ms,
                            storage::Version version) noexcept override {
        changes_.on_flush_scheduled(at_steady_ms, version);
    }
    bool fires_foreign_schedule() noexcept override { return fires_.load(); }
    bool fires_own_schedule(std::uint64_t now_ms) noexcept override {
        return fires_.load() || now_ms < counted_on_until_.load();
    }

  private:
    ChangeSink changes_;
    std::vector<std::unique_ptr<KeptRemovals>> removals_;
    // Per bucket: the end of its shard's change log when something that stood in it was removed.
    ZeroedArray<ChangeLog::Position> removed_at_;
    bool is_taking_from_donor_ = false;
    std::atomic<bool> fires_{true};
    std::atomic<std::uint64_t> counted_on_until_{0};
};

}  // namespace twincached::replication::nats
