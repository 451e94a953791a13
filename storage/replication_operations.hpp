// The store as replication sees it: its shards one by one, and what other nodes have changed. A
// driver brings in here what it was told and looks up what it is to tell; what the store itself has
// to say goes to the mutation sink.
//
// A part of Store, over its core. Any thread may call any member; each takes one shard's lock at a
// time, never two.
#pragma once

#include "lib/function_ref.hpp"
#include "storage/shard/shard.hpp"
#include "storage/store_core.hpp"

#include <cstdint>

namespace twincached::storage {

class ReplicationOperations {
  public:
    explicit ReplicationOperations(StoreCore& core) noexcept : core_(core) {}

    // Keys hash otherwise from now on. False, and they do not, if the store keeps an item, or this
    // is how they hash. REQUIRES: no client may use the store yet.
    bool rehash(const lib::KeyedHash& hash) noexcept;
    unsigned shard_count() const noexcept { return core_.shards.count(); }
    unsigned shard_of(std::uint64_t hash) const noexcept { return core_.shards.number_of(hash); }
    unsigned shard_of_bucket(BucketNumber bucket) const noexcept {
        return shard_of(std::uint64_t{bucket} << 48);
    }
    // Calls the visitor with the shard's lock held. It must be short (300 µs), must not throw and
    // must not call the store. Clients who wait for the shard go first.
    void with_shard(unsigned shard, lib::FunctionRef<void(Shard&)> visit) noexcept;
    // As Shard::apply, but with room made on other shards, too, if it must be.
    ApplyOutcome apply(const Record& record, const Now& now) noexcept;
    // Another node's flush: version merges by maximum; the sink is not told.
    void apply_flush(Version version) noexcept;
    Version flush_version() const noexcept { return core_.shards.flush_version(); }
    // When, as far as upkeep knew; 0: nothing was flushed since the start.
    Tick last_flush() const noexcept { return core_.flushes.last(); }
    void apply_flush_schedule(std::uint64_t at_steady_ms, Version version) noexcept {
        core_.flushes.apply_schedule(at_steady_ms, version);
    }
    FlushSchedule flush_schedule() const noexcept { return core_.flushes.schedule(); }
    // On every shard: whatever it writes from now on is newer.
    void observe(Version version) noexcept { core_.shards.observe(version); }
    // The highest of all shards.
    std::uint64_t version_time() const noexcept { return core_.shards.version_time(); }
    // The clocks of all shards begin anew where they would be but for that lead; `now` may still be
    // by the clock that led them. What is known of flushes is corrected; items are not touched: the
    // caller does that, shard by shard.
    void restart_versions(const ClockLead& lead, const Now& now) noexcept {
        core_.shards.restart_versions(lead, now.version_ms);
        core_.flushes.correct(lead);
    }

  private:
    StoreCore& core_;
};

}  // namespace twincached::storage
