#include "replication/changes/buckets.hpp"

#include <algorithm>
#include <cassert>

namespace twincached::replication {

Buckets::Buckets(storage::BucketNumber first, std::size_t count)
    : first_(first),
      count_(count),
      buckets_(make_zeroed<Bucket>(count)),
      dirty_bits_((count + 63) / 64),
      list_asked_(count) {
    mark_all_dirty(0);
}

void Buckets::mark_dirty(storage::BucketNumber bucket) noexcept {
    if (is_dirty(bucket)) return;
    const auto i = index_of(bucket);
    dirty_bits_[i / 64] |= std::uint64_t{1} << (i % 64);
    ++dirty_count_;
}

void Buckets::forget() noexcept {
    assert(walking_count_ == 0);
    if (has_floors_)
        for (std::size_t i = 0; i < count_; ++i)
            if (buckets_[i].floor != 0) buckets_[i].floor = 0;
    has_floors_ = false;
    std::fill(dirty_bits_.begin(), dirty_bits_.end(), 0);
    std::fill(list_asked_.begin(), list_asked_.end(), false);
    dirty_count_ = 0;
}

void Buckets::restore(storage::BucketNumber bucket, storage::Version floor, bool dirty) noexcept {
    assert(!is_walking(bucket));
    if (floor != at(bucket).floor) at(bucket).floor = floor;
    has_floors_ = has_floors_ || floor != 0;
    if (dirty) return mark_dirty(bucket);
    if (!is_dirty(bucket)) return;
    const auto i = index_of(bucket);
    dirty_bits_[i / 64] &= ~(std::uint64_t{1} << (i % 64));
    --dirty_count_;
}

// CLEAN from here on (R8): what changes while the walk is under way is logged again, and follows
// the list in the byte stream.
void Buckets::begin_walk(storage::BucketNumber bucket, std::uint64_t seq) noexcept {
    assert(is_dirty(bucket) && !is_walking(bucket) && seq != 0);
    const auto i = index_of(bucket);
    dirty_bits_[i / 64] &= ~(std::uint64_t{1} << (i % 64));
    --dirty_count_;
    buckets_[i].walk_seq = seq;
    ++walking_count_;
}

// Digests pay for a run only: their frame has a bit for each bucket, held or not.
std::size_t Buckets::digest_run(storage::BucketNumber first, std::size_t limit) const noexcept {
    std::size_t run = 0;
    for (std::size_t bucket = first; bucket <= last() && run < limit; ++bucket, ++run) {
        const auto number = static_cast<storage::BucketNumber>(bucket);
        if (!is_dirty(number) || is_walking(number) || list_asked_[index_of(number)]) break;
    }
    return run;
}

// Once asked for, a list it stays until one is acknowledged: the digests of a bucket that differs
// would differ again.
void Buckets::ask_for_list(storage::BucketNumber bucket) noexcept {
    if (!is_walking(bucket)) return;
    abandon_walk(bucket);
    list_asked_[index_of(bucket)] = true;
}

// The peer knows what is held here, and by the list also what is not: the floor has done its duty,
// unless the bucket has become dirty again meanwhile.
void Buckets::end_walk(storage::BucketNumber bucket) noexcept {
    if (!is_walking(bucket)) return;
    auto& state = at(bucket);
    list_asked_[index_of(bucket)] = false;
    state.walk_seq = 0;
    --walking_count_;
    if (!is_dirty(bucket)) state.floor = 0;
}

void Buckets::abandon_walk(storage::BucketNumber bucket) noexcept {
    if (!is_walking(bucket)) return;
    at(bucket).walk_seq = 0;
    --walking_count_;
    mark_dirty(bucket);
}

void Buckets::mark_each_dirty() noexcept {
    for (std::size_t i = 0; i < count_; ++i)
        mark_dirty(static_cast<storage::BucketNumber>(first_ + i));
}

void Buckets::mark_all_dirty(storage::Version floor) noexcept {
    // Two megabytes are passed through only where there is something to say of a bucket.
    if (floor != 0 || walking_count_ > 0) {
        for (std::size_t i = 0; i < count_; ++i) {
            buckets_[i].floor = std::max(buckets_[i].floor, floor);
            buckets_[i].walk_seq = 0;
        }
        has_floors_ = has_floors_ || floor != 0;
    }
    std::fill(dirty_bits_.begin(), dirty_bits_.end(), ~std::uint64_t{0});
    std::fill(list_asked_.begin(), list_asked_.end(), false);
    if (count_ % 64 != 0) dirty_bits_.back() = (std::uint64_t{1} << count_ % 64) - 1;
    dirty_count_ = count_;
    walking_count_ = 0;
}

std::optional<storage::BucketNumber> Buckets::next_to_walk(
    storage::BucketNumber from) const noexcept {
    if (from < first_ || from > last() || dirty_count_ == 0) return std::nullopt;
    std::size_t i = index_of(from);
    std::uint64_t word = dirty_bits_[i / 64] & (~std::uint64_t{0} << (i % 64));
    for (std::size_t w = i / 64;;) {
        while (word != 0) {
            i = w * 64 + static_cast<std::size_t>(std::countr_zero(word));
            if (buckets_[i].walk_seq == 0) return static_cast<storage::BucketNumber>(first_ + i);
            word &= word - 1;
        }
        if (++w == dirty_bits_.size()) return std::nullopt;
        word = dirty_bits_[w];
    }
}

}  // namespace twincached::replication
