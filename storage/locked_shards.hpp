// The shards of a store, each with its lock, and what concerns all of them at once. Which shard a
// key belongs to is said by the top bits of its hash:
//
//     63          64 - bits                    48                                0
//    [ shard number | ................................. rest of the hash ......... ]
//    [ replication bucket, 16 bits              ]    lies in one shard
//
// Any thread may call any member; each takes one shard's lock at a time, never two.
#pragma once

#include "lib/courteous_mutex.hpp"
#include "storage/key.hpp"
#include "storage/shard/shard_items.hpp"

#include <bit>
#include <cstdint>
#include <memory>
#include <vector>

namespace twincached::storage {

// A lock and what it guards, on cache lines of their own.
struct alignas(64) LockedShard {
    LockedShard(const ShardContext& context, VersionClock clock, const ShardLimits& limits)
        : items(context, clock, limits), table_(items.table()), share_(items.share()) {}

    // A hint that needs no lock.
    void prefetch_bucket(std::uint64_t hash) const noexcept { table_.prefetch_bucket(hash); }
    // What it has taken of the store's memory, as it was a moment ago.
    std::uint64_t bytes() const noexcept { return share_.bytes(); }

    lib::CourteousMutex mutex;
    ShardItems items GUARDED_BY(mutex);

  private:
    // Of what is guarded, the parts that may be asked without the lock.
    const Table& table_;
    const MemoryShare& share_;
};

class LockedShards {
  public:
    // REQUIRES: count is a power of two, 65,536 at most. To be followed by as many calls of `add`.
    explicit LockedShards(unsigned count) : bits_(static_cast<unsigned>(std::countr_zero(count))) {
        shards_.reserve(count);
    }
    void add(const ShardContext& context, VersionClock clock, const ShardLimits& limits) {
        shards_.push_back(std::make_unique<LockedShard>(context, clock, limits));
    }

    unsigned bits() const noexcept { return bits_; }
    unsigned count() const noexcept { return static_cast<unsigned>(shards_.size()); }
    unsigned number_of(std::uint64_t hash) const noexcept {
        return bits_ == 0 ? 0 : static_cast<unsigned>(hash >> (64 - bits_));
    }
    // The smallest hash of a shard. REQUIRES: number > 0, so that there are bits.
    std::uint64_t first_hash(unsigned number) const noexcept {
        return std::uint64_t{number} << (64 - bits_);
    }
    LockedShard& operator[](unsigned number) const noexcept { return *shards_[number]; }
    LockedShard& of(std::uint64_t hash) const noexcept { return *shards_[number_of(hash)]; }
    auto begin() const noexcept { return shards_.begin(); }
    auto end() const noexcept { return shards_.end(); }

    // Whatever any shard writes from now on is newer.
    void observe(Version version) const noexcept;
    // See Store.
    void restart_versions(const ClockLead& lead, std::uint64_t now_ms) const noexcept;
    // A copy of one shard's: what it says of the node's clock is the same in all of them.
    VersionClock clock() const noexcept;
    // The highest of all shards.
    std::uint64_t version_time() const noexcept;
    Version flush_version() const noexcept;

  private:
    unsigned bits_;
    std::vector<std::unique_ptr<LockedShard>> shards_;
};

}  // namespace twincached::storage
