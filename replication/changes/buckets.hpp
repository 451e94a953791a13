// The second level of change tracking: 65,536 buckets of keys, of which one shard has a
// contiguous run. A bucket whose changes did not fit into the log is dirty: it will be walked,
// that is, the peer is told everything it holds. Fixed memory, 32 bytes each. Not thread-safe:
// guarded by the shard's lock.
#pragma once

#include "lib/prefetch.hpp"
#include "replication/changes/change_log.hpp"
#include "replication/changes/zeroed_array.hpp"
#include "storage/key.hpp"
#include "storage/version.hpp"

#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace twincached::replication {

class Buckets {
  public:
    // All dirty: nothing is known of what a peer has.
    Buckets(storage::BucketNumber first, std::size_t count);

    bool is_dirty(storage::BucketNumber bucket) const noexcept {
        const auto i = index_of(bucket);
        return (dirty_bits_[i / 64] >> (i % 64) & 1U) != 0;
    }
    // A list of the bucket is on its way to the peer.
    bool is_walking(storage::BucketNumber bucket) const noexcept {
        return at(bucket).walk_seq != 0;
    }
    std::uint64_t walk_seq(storage::BucketNumber bucket) const noexcept {
        return at(bucket).walk_seq;
    }
    // M: no deletion or eviction that the peer has not been told of is newer than this (rules R1,
    // R2, R5). Sinks only when a list that carried it is acknowledged.
    storage::Version floor(storage::BucketNumber bucket) const noexcept { return at(bucket).floor; }
    void prefetch(storage::BucketNumber bucket) const noexcept { lib::prefetch(&at(bucket)); }
    // XOR over the bucket's items of a mix of hash and version: equal on both nodes if they hold
    // the same versions of the same keys.
    std::uint64_t digest(storage::BucketNumber bucket) const noexcept { return at(bucket).digest; }

    // Where in the log the newest entry of a key of the bucket is, or was; 0 = there was none.
    ChangeLog::Position last_logged(storage::BucketNumber bucket) const noexcept {
        return at(bucket).last_logged;
    }
    void note_logged(storage::BucketNumber bucket, ChangeLog::Position position) noexcept {
        auto& last = at(bucket).last_logged;
        if (last < position) last = position;
    }

    void mark_dirty(storage::BucketNumber bucket) noexcept;
    // All of them, in a session: what is under way stays so.
    void mark_each_dirty() noexcept;
    void raise_floor(storage::BucketNumber bucket, storage::Version version) noexcept {
        auto& floor = at(bucket).floor;
        if (floor >= version) return;
        floor = version;
        has_floors_ = true;
    }
    // An item of the bucket changed; version 0 = absent.
    void change_digest(std::uint64_t hash, storage::Version before,
                       storage::Version after) noexcept {
        std::uint64_t difference = 0;
        if (before != 0) difference ^= mix(hash, before);
        if (after != 0) difference ^= mix(hash, after);
        at(storage::bucket_of(hash)).digest ^= difference;
        all_digests_ ^= difference;
    }
    // XOR of all digests.
    std::uint64_t all_digests() const noexcept { return all_digests_; }

    // Rule R16: how many buckets from `first` on, one after the other, are dirty and not under way,
    // and may be told by their digests.
    std::size_t digest_run(storage::BucketNumber first, std::size_t limit) const noexcept;
    // The peer's digest differs: the bucket is dirty again, and its list is to be sent.
    void ask_for_list(storage::BucketNumber bucket) noexcept;

    // Rule R8: the bucket's list, or its digest, is being sent as frame `seq`; it is clean from now
    // on.
    void begin_walk(storage::BucketNumber bucket, std::uint64_t seq) noexcept;
    // Rule R10: the list was acknowledged.
    void end_walk(storage::BucketNumber bucket) noexcept;
    // Rule R11: the list was lost.
    void abandon_walk(storage::BucketNumber bucket) noexcept;

    // Nothing is owed: all clean, no floors. REQUIRES: no list is under way.
    void forget() noexcept;
    // Rule R15: as it was before a warm restart. REQUIRES: no list is under way.
    void restore(storage::BucketNumber bucket, storage::Version floor, bool dirty) noexcept;

    // Rule R12. `floor`: what every bucket's floor is raised to.
    void mark_all_dirty(storage::Version floor) noexcept;

    std::size_t dirty_count() const noexcept { return dirty_count_; }
    std::size_t walking_count() const noexcept { return walking_count_; }
    // The first bucket from `from` on, without wrapping round, that is dirty and not under way.
    std::optional<storage::BucketNumber> next_to_walk(storage::BucketNumber from) const noexcept;

    storage::BucketNumber first() const noexcept { return first_; }
    storage::BucketNumber last() const noexcept {
        return static_cast<storage::BucketNumber>(first_ + count_ - 1);
    }

  private:
    struct Bucket {
        storage::Version floor;
        std::uint64_t digest;
        std::uint64_t walk_seq;  // 0 = no list is under way
        ChangeLog::Position last_logged;
    };

    static std::uint64_t mix(std::uint64_t hash, storage::Version version) noexcept {
        std::uint64_t z = hash ^ std::rotl(version, 21);
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
        return z ^ (z >> 31);
    }
    std::size_t index_of(storage::BucketNumber bucket) const noexcept {
        return static_cast<std::size_t>(bucket - first_);
    }
    Bucket& at(storage::BucketNumber bucket) const noexcept { return buckets_[index_of(bucket)]; }

    storage::BucketNumber first_;
    std::size_t count_;
    ZeroedArray<Bucket> buckets_;
    std::vector<std::uint64_t> dirty_bits_;
    std::vector<bool> list_asked_;  // the digest has been tried
    std::size_t dirty_count_ = 0;
    std::size_t walking_count_ = 0;
    bool has_floors_ = false;  // else each is 0, and none needs to be looked at
    std::uint64_t all_digests_ = 0;
};

}  // namespace twincached::replication
