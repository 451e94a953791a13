// What the store of a pair's node reports its changes to: per shard a change log, beside it the
// buckets of the keys that the shard holds. Everything of a shard is guarded by that shard's
// lock: it is touched only inside the sink's calls, which the shard makes, and by the exchange
// inside Store::with_shard.
#pragma once

#include "storage/mutation.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>

namespace twincached::replication::pair {

class PairSink final : public storage::MutationSink {
  public:
    // REQUIRES: `shards` is a power of two, at most 1024, and the number of the store's shards.
    PairSink(unsigned shards, std::size_t log_memory_bytes);
    ~PairSink() override;

    // Called by a writer's thread, under a shard's lock, when it finds the strand at rest: it
    // must be short and must not throw (post to the strand). Set before the store is built.
    void set_wake(std::function<void()> wake);

    storage::Ticket on_change(unsigned shard, const storage::Change& change) noexcept override;
    storage::Version known_version(unsigned shard, const storage::Key& key,
                                   bool present) noexcept override;
    storage::Ticket on_flush(storage::Version version) noexcept override;
    void on_flush_scheduled(std::uint64_t at_steady_ms, storage::Version version) noexcept override;
    bool fires_peers_schedule() noexcept override;
};

}  // namespace twincached::replication::pair
