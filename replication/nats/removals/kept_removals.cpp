#include "replication/nats/removals/kept_removals.hpp"

#include "lib/allocation.hpp"

#include <utility>

namespace twincached::replication::nats {

KeptRemovals::KeptRemovals(storage::BucketNumber first, std::size_t buckets, std::size_t limit)
    : first_(first),
      count_(buckets),
      limit_(std::max<std::size_t>(limit, 1)),
      floors_(std::make_unique<Floors[]>(buckets)),
      whole_(buckets) {}

// A newer removal of a key takes the place of an older one: whoever has passed it has passed that,
// and who has not must not be believed either.
void KeptRemovals::note(std::uint64_t hash, storage::Version version, LogPlace place) noexcept {
    (void)keep(hash, {version, place, vouches_for_what_it_hears(storage::bucket_of(hash))});
}

bool KeptRemovals::note_own(std::uint64_t hash, storage::Version version, LogPlace place) noexcept {
    return keep(hash, {version, place, true});
}

bool KeptRemovals::keep(std::uint64_t hash, const Removal& removal) noexcept {
    const auto known = removals_.find(hash);
    if (known != removals_.end() && removal.version <= known->second.version) {
        if (removal.version == known->second.version)
            known->second.is_vouched |= removal.is_vouched;
        return true;
    }
    while (order_.size() >= limit_)
        fold_oldest();
    const bool is_kept = lib::has_memory_for([&] {
        order_.push_back({hash, removal.place});
        removals_[hash] = removal;
    });
    kept_.store(removals_.size(), std::memory_order_relaxed);
    if (is_kept) return true;
    folded_.fetch_add(1, std::memory_order_relaxed);
    const auto bucket = storage::bucket_of(hash);
    raise_removed(bucket, removal.version);
    if (removal.is_vouched) raise_vouched(bucket, removal.version);
    return false;
}

void KeptRemovals::move(std::uint64_t hash, LogPlace place) noexcept {
    const auto found = removals_.find(hash);
    if (found == removals_.end()) return;
    const auto moved = Removal{found->second.version, place, found->second.is_vouched};
    removals_.erase(found);
    (void)keep(hash, moved);
}

void KeptRemovals::raise_removed(storage::BucketNumber bucket, storage::Version version) noexcept {
    raise_floor(bucket, version);
    auto& meanwhile = at(bucket).removed_meanwhile;
    meanwhile = std::max(meanwhile, version);
}

void KeptRemovals::raise_evicted(storage::BucketNumber bucket, storage::Version version) noexcept {
    raise_current(bucket, version);
    raise_vouched(bucket, version);
    auto& meanwhile = at(bucket).evicted_meanwhile;
    meanwhile = std::max(meanwhile, version);
}

void KeptRemovals::raise_floor(storage::BucketNumber bucket, storage::Version version) noexcept {
    raise_current(bucket, version);
    auto& removed = at(bucket).removed;
    removed = std::max(removed, version);
}

void KeptRemovals::raise_current(storage::BucketNumber bucket, storage::Version version) noexcept {
    raise_ever(bucket, version);
    auto& current = at(bucket).current;
    current = std::max(current, version);
    is_raised_ = true;
}

// What is not known by its key any more is known by its bucket.
void KeptRemovals::drop_oldest() noexcept {
    const auto oldest = order_.front();
    order_.pop_front();
    const auto found = removals_.find(oldest.hash);
    if (found != removals_.end() && found->second.place == oldest.place) {
        const auto bucket = storage::bucket_of(oldest.hash);
        if (found->second.is_vouched) {
            raise_ever(bucket, found->second.version);
            raise_vouched(bucket, found->second.version);
        } else {
            raise_heard(bucket, found->second.version);
        }
        removals_.erase(found);
    }
    kept_.store(removals_.size(), std::memory_order_relaxed);
}

void KeptRemovals::fold_oldest() noexcept {
    const auto oldest = order_.front();
    const auto found = removals_.find(oldest.hash);
    if (found != removals_.end() && found->second.place == oldest.place) {
        folded_.fetch_add(1, std::memory_order_relaxed);
        const auto bucket = storage::bucket_of(oldest.hash);
        const auto version = found->second.version;
        raise_removed(bucket, version);
        if (oldest.place == nowhere_yet) at(bucket).untold = std::max(at(bucket).untold, version);
    }
    drop_oldest();
}

void KeptRemovals::turn() noexcept {
    const bool was_raised = std::exchange(is_raised_, false);
    if (!std::exchange(has_previous_, was_raised) && !was_raised) return;
    for (std::size_t i = 0; i < count_; ++i) {
        auto& floors = floors_[i];
        if ((floors.current | floors.previous) == 0) continue;
        floors.previous = std::exchange(floors.current, 0);
        floors.removed_before = std::exchange(floors.removed, 0);
    }
}

void KeptRemovals::correct(const storage::ClockLead& lead) noexcept {
    for (auto& [hash, removal] : removals_)
        removal.version = lead.corrected(removal.version);
    for (std::size_t i = 0; i < count_; ++i) {
        auto& of = floors_[i];
        for (auto* version :
             {&of.current, &of.previous, &of.removed, &of.removed_before, &of.doubt, &of.untold,
              &of.removed_meanwhile, &of.evicted_meanwhile, &of.ever, &of.heard, &of.vouched})
            *version = lead.corrected(*version);
    }
}

void KeptRemovals::lose_places() noexcept {
    for (auto& [hash, removal] : removals_)
        removal.place = nowhere_yet;
    for (auto& ordered : order_)
        ordered.place = nowhere_yet;
}

}  // namespace twincached::replication::nats
