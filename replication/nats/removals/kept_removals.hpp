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
// A floor speaks of a whole bucket, and most of its items are older: it is a doubt, and whoever has
// read all that raised it, and holds the item, knows better. So what a donor gives is judged by the
// keys that are remembered, and by what was let go since the bucket was looked at to be compared.
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
#include <limits>
#include <memory>
#include <unordered_map>
#include <utility>
#include <vector>

namespace twincached::replication::nats {

// Where in which log something stands; places of one log are in order.
struct LogPlace {
    StreamId stream = own_stream;
    Sequence sequence = 0;

    bool operator==(const LogPlace&) const = default;
};
// Of a removal that has no place in this site's log, or none any more; nobody has come past it.
inline constexpr LogPlace nowhere_yet{own_stream, std::numeric_limits<Sequence>::max()};

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
    // The same where a donor gives it, who had come as far in the log when it was asked as this
    // node had when it began to compare the bucket.
    storage::Version known_beside_donor(std::uint64_t hash, bool present) const noexcept {
        const auto removed = exact(hash);
        if (present) return removed;
        const auto& floors = at(storage::bucket_of(hash));
        return std::max(
            {removed, floors.untold, floors.removed_meanwhile, floors.evicted_meanwhile});
    }
    // Nothing that this node let go, and of which older changes may come yet, was newer.
    storage::Version floor(storage::BucketNumber bucket) const noexcept {
        return std::max(at(bucket).current, at(bucket).previous);
    }
    // A donor has let go something as new as that, and the bucket was not compared since: what is
    // held here, and is older, may have been removed, or overtaken.
    storage::Version doubt(storage::BucketNumber bucket) const noexcept { return at(bucket).doubt; }
    // By the key alone; 0: none is remembered.
    storage::Version exact(std::uint64_t hash) const noexcept {
        const auto found = removals_.find(hash);
        return found == removals_.end() ? 0 : found->second.version;
    }
    // It is remembered, and has no place in this site's log.
    bool is_nowhere(std::uint64_t hash) const noexcept {
        const auto found = removals_.find(hash);
        return found != removals_.end() && found->second.place == nowhere_yet;
    }
    // A part of it: what others may hold is older, and it was not evicted.
    storage::Version removed_in(storage::BucketNumber bucket) const noexcept {
        return std::max(at(bucket).removed, at(bucket).removed_before);
    }
    // Since the bucket began to be compared, the newest that was removed for all, of a key that is
    // not known: the donor may have read of it only after it had answered.
    storage::Version removed_meanwhile(storage::BucketNumber bucket) const noexcept {
        return at(bucket).removed_meanwhile;
    }
    // Nothing of the bucket that this node ever let go was newer, but for the removals that are
    // remembered by their keys.
    storage::Version ever(storage::BucketNumber bucket) const noexcept { return at(bucket).ever; }
    // The same, to who may have missed what this node has only read of, at a time when it did not
    // hold what there was. Whoever has missed nothing knows better what that says of the bucket.
    storage::Version ever_heard(storage::BucketNumber bucket) const noexcept {
        return std::max(at(bucket).ever, at(bucket).heard);
    }

    // The same of what this node let go itself, and of what it heard of while it held all of the
    // bucket that there was: the rest others who hold more can say as well. Nor does it count what
    // is remembered by its key, until that is forgotten.
    storage::Version vouched(storage::BucketNumber bucket) const noexcept {
        return at(bucket).vouched;
    }
    // By this node's own doing, or as it was before a restart.
    void raise_vouched(storage::BucketNumber bucket, storage::Version version) noexcept {
        auto& vouched = at(bucket).vouched;
        vouched = std::max(vouched, version);
    }
    // Nothing is held any more of what was held then.
    void vouch_for_nothing() noexcept {
        for (std::size_t i = 0; i < count_; ++i)
            floors_[i].vouched = floors_[i].heard = 0;
    }
    // Whether it is known of the bucket that it holds all that there is, or did until something
    // of it could not be told, or was in doubt.
    bool is_whole(storage::BucketNumber bucket) const noexcept { return whole_[bucket - first_]; }
    // One of several logs is read up, and this node may be far behind in another: what is heard of
    // then may have overtaken what it does not hold yet.
    void set_catching_up(bool whether) noexcept { is_catching_up_ = whether; }
    // All versions that were given by a wrong clock.
    void correct(const storage::ClockLead& lead) noexcept;
    // This node has lost its place.
    void lose_whole() noexcept { std::fill(whole_.begin(), whole_.end(), false); }

    // A key's removal stands at that place of the log.
    void note(std::uint64_t hash, storage::Version version, LogPlace place) noexcept;
    // The same, and this node has removed it itself. False: there is no memory to remember the key.
    bool note_own(std::uint64_t hash, storage::Version version, LogPlace place) noexcept;
    // Something that found no room among the removals, before it had a place in the log, was as new
    // as that; from now on others see to it.
    storage::Version take_untold(storage::BucketNumber bucket) noexcept {
        return std::exchange(at(bucket).untold, 0);
    }
    // What is remembered of the key was told again, and stands there.
    void move(std::uint64_t hash, LogPlace place) noexcept;
    // Something that this node holds no more was as new as that.
    void raise_floor(storage::BucketNumber bucket, storage::Version version) noexcept;
    // It was evicted: others may hold it still.
    void raise_evicted(storage::BucketNumber bucket, storage::Version version) noexcept;
    // A key that is not known any more was removed for all, or has expired.
    void raise_removed(storage::BucketNumber bucket, storage::Version version) noexcept;
    // Nobody is there to compare it with: others are judged by what this node knows itself, for of
    // those who told it the rest it does not hold what they held; and what is asked of them must
    // not be refused.
    void begin_alone_with(storage::BucketNumber bucket) noexcept {
        auto& floors = at(bucket);
        floors.ever = floors.vouched;
        for (auto* floor :
             {&floors.current, &floors.previous, &floors.removed, &floors.removed_before})
            *floor = std::min(*floor, floors.vouched);
        end_comparing(bucket);
    }
    // The bucket is about to be compared; and has been.
    void begin_comparing(storage::BucketNumber bucket) noexcept {
        at(bucket).removed_meanwhile = at(bucket).evicted_meanwhile = 0;
    }
    void end_comparing(storage::BucketNumber bucket) noexcept {
        auto& floors = at(bucket);
        floors.doubt = 0;
        floors.vouched = floors.ever;
        whole_[bucket - first_] = true;
    }
    // A donor, with which the bucket is to be compared, ever let go what this node may not have
    // heard of.
    void note_doubt(storage::BucketNumber bucket, storage::Version version) noexcept {
        if (version > at(bucket).ever) at(bucket).doubt = version;
    }
    // Of another node, or before a restart: what it ever let go.
    void raise_ever(storage::BucketNumber bucket, storage::Version version) noexcept {
        auto& ever = at(bucket).ever;
        ever = std::max(ever, version);
        if (vouches_for_what_it_hears(bucket)) raise_vouched(bucket, version);
    }

    // It has only read of it.
    void raise_heard(storage::BucketNumber bucket, storage::Version version) noexcept {
        auto& heard = at(bucket).heard;
        heard = std::max(heard, version);
    }

    // Forgets removals, the oldest first, as long as `has_passed(place)`.
    template <class HasPassed>
    void forget(HasPassed has_passed) noexcept {
        while (!order_.empty() &&
               (is_overtaken(order_.front()) || has_passed(order_.front().place)))
            drop_oldest();
    }
    // A generation of floors is over: everybody has come past what stood in the log at the last
    // turn, and with it past what raised the floors before that.
    void turn() noexcept;
    // Another log begins: what stood in the old one stands nowhere.
    void lose_places() noexcept;

    // visit(hash, version, place), the oldest first.
    template <class Visit>
    void visit(Visit visit) const {
        for (const auto& ordered : order_)
            if (!is_overtaken(ordered)) visit(ordered.hash, exact(ordered.hash), ordered.place);
    }
    // visit(bucket), where something was ever let go.
    template <class Visit>
    void visit_floors(Visit visit) const {
        for (std::size_t i = 0; i < count_; ++i) {
            const auto bucket = static_cast<storage::BucketNumber>(first_ + i);
            if (ever_heard(bucket) != 0) visit(bucket);
        }
    }

    std::size_t size() const noexcept { return removals_.size(); }
    // Any thread: how many were kept a moment ago, and for how many there was no room so far.
    std::uint64_t kept_gauge() const noexcept { return kept_.load(std::memory_order_relaxed); }
    std::uint64_t folded_gauge() const noexcept { return folded_.load(std::memory_order_relaxed); }

    // About what one removal takes, in bytes.
    static constexpr std::size_t removal_bytes = 96;

  private:
    bool vouches_for_what_it_hears(storage::BucketNumber bucket) const noexcept {
        return is_whole(bucket) && !is_catching_up_;
    }

    struct Removal {
        storage::Version version;
        LogPlace place;
        bool is_vouched;
    };
    struct Ordered {
        std::uint64_t hash;
        LogPlace place;
    };
    // Of this generation and the one before, of a donor, without a place in the log, since it began
    // to be compared, and ever.
    struct Floors {
        storage::Version current;
        storage::Version previous;
        storage::Version removed;
        storage::Version removed_before;
        storage::Version doubt;
        storage::Version untold;
        storage::Version removed_meanwhile;
        storage::Version evicted_meanwhile;
        storage::Version ever;
        storage::Version heard;
        storage::Version vouched;
    };
    // Hashes are mixed and keyed by whoever made them.
    struct AsItIs {
        std::size_t operator()(std::uint64_t hash) const noexcept { return hash; }
    };
    Floors& at(storage::BucketNumber bucket) const noexcept { return floors_[bucket - first_]; }
    bool is_overtaken(const Ordered& ordered) const noexcept {
        const auto found = removals_.find(ordered.hash);
        return found == removals_.end() || found->second.place != ordered.place;
    }
    bool keep(std::uint64_t hash, const Removal& removal) noexcept;
    void raise_current(storage::BucketNumber bucket, storage::Version version) noexcept;
    void drop_oldest() noexcept;
    void fold_oldest() noexcept;

    const storage::BucketNumber first_;
    const std::size_t count_;
    const std::size_t limit_;
    std::unordered_map<std::uint64_t, Removal, AsItIs> removals_;
    std::deque<Ordered> order_;  // some of them have been overtaken by a newer removal of the key
    std::unique_ptr<Floors[]> floors_;
    std::vector<bool> whole_;  // by bucket
    bool is_catching_up_ = false;
    // Since the last turn; and in the generation before it.
    bool is_raised_ = false;
    bool has_previous_ = false;
    std::atomic<std::uint64_t> kept_{0};
    std::atomic<std::uint64_t> folded_{0};
};

}  // namespace twincached::replication::nats
