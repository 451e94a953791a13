// What one shard of a cluster's node remembers of what it does not hold any more. An older change
// of such a key may still be on its way, from a node that had not heard of the removal when it
// spoke; it must not bring the key back. Two ways of remembering, both bounded:
//
//     removals   key's hash, version, place in the log     until every live member has said in the
//                                                          log that it has come past that place
//     floors     per bucket: no removal is newer (M)       the same, for all floors at once, in two
//                                                          generations: turn()
//
// What finds no room among the removals raises its bucket's floor, and so does what was evicted or
// has expired, of which there is no place in any log. Beside them stands, per bucket, the newest
// that this node, or one that it has learnt from, ever let go: by that a node is judged which was
// away for longer than others remember.
// In doubt something is refused that could have been kept; nothing comes back.
//
// Not thread-safe: guarded by the shard's lock.
#pragma once

#include "replication/nats/broker.hpp"
#include "storage/key.hpp"
#include "storage/version.hpp"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <unordered_map>

namespace twincached::replication::nats {

// Where in which log something stands; places of one log are in order.
struct LogPlace {
    StreamId stream = own_stream;
    Sequence sequence = 0;

    bool operator==(const LogPlace&) const = default;
};

class KeptRemovals {
  public:
    // At most so many removals.
    KeptRemovals(storage::BucketNumber first, std::size_t buckets, std::size_t limit);

    // The newest removal of the key that is remembered; of an absent one also what its bucket says.
    storage::Version known(std::uint64_t hash, bool present) const noexcept {
        const auto removed = exact(hash);
        if (present) return removed;
        return std::max(removed, floor(storage::bucket_of(hash)));
    }
    // Nothing that this node let go, and of which older changes may come yet, was newer.
    storage::Version floor(storage::BucketNumber bucket) const noexcept {
        return std::max(at(bucket).current, at(bucket).previous);
    }
    // By the key alone; 0: none is remembered.
    storage::Version exact(std::uint64_t hash) const noexcept {
        const auto found = removals_.find(hash);
        return found == removals_.end() ? 0 : found->second.version;
    }
    // Of removals for which there was no room, and which are not forgotten yet, the newest.
    storage::Version folded_in(storage::BucketNumber bucket) const noexcept {
        return std::max(at(bucket).folded, at(bucket).folded_before);
    }
    // Nothing of the bucket that this node ever let go was newer.
    storage::Version ever(storage::BucketNumber bucket) const noexcept { return at(bucket).ever; }

    // A key's removal stands at that place of the log.
    void note(std::uint64_t hash, storage::Version version, LogPlace place) noexcept;
    // Something that this node holds no more was as new as that.
    void raise_floor(storage::BucketNumber bucket, storage::Version version) noexcept;
    // A key that is not known any more was removed for all.
    void raise_removed(storage::BucketNumber bucket, storage::Version version) noexcept;
    // Of another node, or before a restart: what it ever let go.
    void raise_ever(storage::BucketNumber bucket, storage::Version version) noexcept {
        auto& ever = at(bucket).ever;
        ever = std::max(ever, version);
    }

    // Forgets removals, the oldest first, as long as `has_passed(place)`.
    template <class HasPassed>
    void forget(HasPassed has_passed) noexcept {
        while (!order_.empty() && has_passed(order_.front().place)) {
            drop_oldest();
        }
    }
    // A generation of floors is over: everybody has come past what stood in the log at the last
    // turn, and with it past what raised the floors before that.
    void turn() noexcept;
    // Another log begins: what stood in the old one is passed when that place is.
    void move_all(LogPlace place) noexcept;

    // visit(hash, version, place), the oldest first.
    template <class Visit>
    void visit(Visit visit) const {
        for (const auto& [hash, place] : order_) {
            const auto found = removals_.find(hash);
            if (found != removals_.end() && found->second.place == place)
                visit(hash, found->second.version, place);
        }
    }
    // visit(bucket, floor, ever), where something was ever let go.
    template <class Visit>
    void visit_floors(Visit visit) const {
        for (std::size_t i = 0; i < count_; ++i) {
            const auto bucket = static_cast<storage::BucketNumber>(first_ + i);
            if (ever(bucket) != 0) visit(bucket, floor(bucket), ever(bucket));
        }
    }

    std::size_t size() const noexcept { return removals_.size(); }
    // Any thread: how many were kept a moment ago, and for how many there was no room so far.
    std::uint64_t kept_gauge() const noexcept { return kept_.load(std::memory_order_relaxed); }
    std::uint64_t folded_gauge() const noexcept { return folded_.load(std::memory_order_relaxed); }

    // About what one removal takes, in bytes.
    static constexpr std::size_t removal_bytes = 96;

  private:
    struct Removal {
        storage::Version version;
        LogPlace place;
    };
    struct Ordered {
        std::uint64_t hash;
        LogPlace place;
    };
    // Of this generation and the one before; `folded` is a part of it: what was removed for all,
    // and not only let go here.
    struct Floors {
        storage::Version current;
        storage::Version previous;
        storage::Version folded;
        storage::Version folded_before;
        storage::Version ever;
    };
    // Hashes are mixed and keyed by whoever made them.
    struct AsItIs {
        std::size_t operator()(std::uint64_t hash) const noexcept { return hash; }
    };
    Floors& at(storage::BucketNumber bucket) const noexcept { return floors_[bucket - first_]; }
    void drop_oldest() noexcept;
    void fold_oldest() noexcept;

    const storage::BucketNumber first_;
    const std::size_t count_;
    const std::size_t limit_;
    std::unordered_map<std::uint64_t, Removal, AsItIs> removals_;
    std::deque<Ordered> order_;  // some of them have been overtaken by a newer removal of the key
    std::unique_ptr<Floors[]> floors_;
    // Since the last turn; and in the generation before it.
    bool is_raised_ = false;
    bool has_previous_ = false;
    std::atomic<std::uint64_t> kept_{0};
    std::atomic<std::uint64_t> folded_{0};
};

}  // namespace twincached::replication::nats
