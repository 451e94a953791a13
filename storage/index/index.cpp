#include "storage/index/index.hpp"

#include "lib/round_up.hpp"

#include <algorithm>
#include <cassert>

namespace twincached::storage {

namespace {

constexpr std::uint32_t least_buckets = 64;
constexpr std::uint32_t buckets_per_page = page_bytes / 64;
// Grown at 85 % of all slots used: the mean bucket then holds ten items and one in five has an
// overflow. Shrunk at a third, to half.
constexpr std::uint64_t grow_percent = 85;
constexpr std::uint64_t shrink_percent = 33;
// A moved bucket may need a few more overflow buckets than it frees.
constexpr std::uint32_t overflow_per_step = 4;

std::uint64_t bytes_of(std::uint32_t buckets) noexcept {
    return lib::round_up(std::uint64_t{buckets} * 64, page_bytes);
}

}  // namespace

Index::Index(MemoryShare& share, const AddressSpace& space, unsigned shard_bits)
    : account_(share),
      shard_bits_(shard_bits),
      buckets_(space),
      overflow_({space.bytes, PageSize::usual, space.is_locked}),
      layout_(least_buckets),
      published_count_(least_buckets) {
    if (!buckets_.commit_to(bytes_of(least_buckets))) throw std::bad_alloc();
    // The smallest index is never refused, so that every shard works under any limit.
    account_.force(bytes_of(least_buckets));
}

void Index::insert(std::uint64_t hash, Ref ref) noexcept {
    put(hash, ref);
    ++items_;
}

// Into the first hole of the chain, so that most look-ups end with the first bucket. A new overflow
// bucket is put directly behind the head: it is the one with holes.
void Index::put(std::uint64_t hash, Ref ref) noexcept {
    Bucket& head = buckets()[layout_.locate(local(hash))];
    Bucket* bucket = &head;
    std::uint32_t holes = match_tags(bucket->tags, 0);
    while (holes == 0 && bucket->overflow != 0) {
        bucket = &overflow()[bucket->overflow];
        holes = match_tags(bucket->tags, 0);
    }
    if (holes == 0) {
        const std::uint32_t fresh = take_overflow();
        bucket = &overflow()[fresh];
        bucket->overflow = head.overflow;
        head.overflow = fresh;
        holes = 1;
    }
    const auto slot = static_cast<unsigned>(std::countr_zero(holes));
    bucket->tags[slot] = tag_of(hash);
    bucket->refs[slot] = ref;
}

// By the reference alone: the index cannot ask for keys, and need not, for a reference is unique.
Index::Place Index::place_of(std::uint64_t hash, Ref ref) const noexcept {
    const std::uint8_t tag = tag_of(hash);
    Bucket* bucket = &buckets()[layout_.locate(local(hash))];
    for (;;) {
        for (auto hits = match_tags(bucket->tags, tag); hits != 0; hits &= hits - 1) {
            const auto slot = static_cast<unsigned>(std::countr_zero(hits));
            if (bucket->refs[slot] == ref) return {bucket, slot};
        }
        assert(bucket->overflow != 0 && "the reference is in the index");
        bucket = &overflow()[bucket->overflow];
    }
}

void Index::replace(std::uint64_t hash, Ref ref, Ref by) noexcept {
    const Place place = place_of(hash, ref);
    place.bucket->refs[place.slot] = by;
}

// A tag of 0 is all that makes a slot empty: its reference stays, and is never looked at.
void Index::erase(std::uint64_t hash, Ref ref) noexcept {
    const Place hole = place_of(hash, ref);
    hole.bucket->tags[hole.slot] = 0;
    --items_;
    Bucket& head = buckets()[layout_.locate(local(hash))];
    if (head.overflow != 0) fill_hole(head, hole);
}

Index::ChainCount::ChainCount(const Bucket& head, const Bucket* overflow,
                              std::uint8_t tag) noexcept {
    for (const Bucket* bucket = &head;; ++overflows) {
        for (auto hits = match_tags(bucket->tags, tag); hits != 0; hits &= hits - 1)
            ++alike;
        if (bucket->overflow == 0) return;
        bucket = &overflow[bucket->overflow];
    }
}

// The chain's last bucket was its first overflow: to look at all for the oldest would cost what the
// limit is to spare.
void Index::visit_crowd(std::uint64_t hash, unsigned newcomers, RefVisitor visit) const noexcept {
    const std::uint8_t tag = tag_of(hash);
    const Bucket* bucket = &buckets()[layout_.locate(local(hash))];
    const bool alike_only = ChainCount(*bucket, overflow(), tag).are_too_many_alike(newcomers);
    for (;; bucket = &overflow()[bucket->overflow]) {
        const std::uint32_t used = ~match_tags(bucket->tags, 0) & ((1U << slots_per_bucket) - 1);
        const bool is_last = bucket->overflow == 0;
        const std::uint32_t oldest = is_last ? used : 0;
        for (auto hits = alike_only ? match_tags(bucket->tags, tag) : oldest; hits != 0;
             hits &= hits - 1)
            visit(bucket->refs[static_cast<unsigned>(std::countr_zero(hits))]);
        if (is_last) return;
    }
}

// Keeps chains short: an entry of the first overflow bucket moves into the hole, and an overflow
// bucket that is empty leaves the chain.
void Index::fill_hole(Bucket& head, Place hole) noexcept {
    const std::uint32_t number = head.overflow;
    Bucket& donor = overflow()[number];
    const std::uint32_t used = ~match_tags(donor.tags, 0) & ((1U << slots_per_bucket) - 1);
    // No overflow bucket is empty but the one whose last entry has just gone.
    if (&donor != hole.bucket) {
        const auto slot = static_cast<unsigned>(std::countr_zero(used));
        hole.bucket->tags[hole.slot] = donor.tags[slot];
        hole.bucket->refs[hole.slot] = donor.refs[slot];
        donor.tags[slot] = 0;
    }
    if (match_tags(donor.tags, 0) != (1U << slots_per_bucket) - 1) return;
    head.overflow = donor.overflow;
    free_overflow(number);
}

// The answer is a hash, not a position, so that it means the same when the index has grown or
// shrunk meanwhile. `local` hashes have the shard's bits shifted out: they come back in at the end.
std::optional<std::uint64_t> Index::visit(std::uint64_t hash, RefVisitor visit) const noexcept {
    const Bucket* bucket = &buckets()[layout_.locate(local(hash))];
    for (;;) {
        std::uint32_t used = ~match_tags(bucket->tags, 0) & ((1U << slots_per_bucket) - 1);
        for (; used != 0; used &= used - 1)
            visit(bucket->refs[static_cast<unsigned>(std::countr_zero(used))]);
        if (bucket->overflow == 0) break;
        bucket = &overflow()[bucket->overflow];
    }
    const auto next = layout_.next_hash(local(hash));
    if (!next) return std::nullopt;
    if (shard_bits_ == 0) return next;
    // Rounded up: a smaller hash would still lie in this bucket.
    const std::uint64_t unit = (std::uint64_t{1} << shard_bits_) - 1;
    const std::uint64_t rest = (*next >> shard_bits_) + ((*next & unit) != 0 ? 1 : 0);
    if (rest >> (64 - shard_bits_) != 0) return std::nullopt;
    const std::uint64_t prefix = hash >> (64 - shard_bits_) << (64 - shard_bits_);
    return prefix | rest;
}

// A quarter at a time: the two lengths together are never much more than what is needed, and the
// load stays between 68 % and 85 %. The first steps go by whole pages, for less would save nothing.
// If memory is lacking the index stays as it is, with longer chains, and says what it wants.
void Index::adjust() noexcept {
    if (layout_.is_moving()) return;
    const std::uint64_t slots = std::uint64_t{layout_.target()} * slots_per_bucket;
    if (items_ * 100 > slots * grow_percent) {
        const std::uint32_t more = std::max(buckets_per_page, layout_.target() / 4);
        (void)resize_to(layout_.target() + more);
        return;
    }
    account_.want_nothing();
    if (keeps_all_) return;
    // One of the least length stays as it is by that.
    if (items_ * 100 < slots * shrink_percent)
        (void)resize_to(std::max(least_buckets, layout_.target() / 2));
}

// Memory is taken when growth begins and given back when a shrinking has ended: in between both
// lengths are in use.
bool Index::resize_to(std::uint32_t count) noexcept {
    const std::uint64_t now = bytes_of(layout_.target());
    const std::uint64_t then = bytes_of(count);
    if (then > now) {
        if (!account_.take(then - now)) return false;
        if (!buckets_.commit_to(then)) {
            account_.give(then - now);
            return false;
        }
    }
    layout_.begin(count);
    return true;
}

// One bucket at a time is taken out as a whole, with its chain, and put again where it belongs now.
// A step may end before its count for want of an overflow bucket, or because it has made a chain
// too long: a bucket joins two at most, so no chain is ever longer than two may be.
void Index::step(unsigned count, HashOf hash_of) noexcept {
    while (layout_.is_moving() && count-- > 0) {
        if (crowd_) return;
        if (!reserve_overflow(overflow_per_step)) return;
        const std::uint32_t number = layout_.next();
        const std::uint32_t span = layout_.span();
        Bucket bucket = buckets()[number];
        buckets()[number] = Bucket{};
        layout_.advance();
        put_all(bucket, hash_of);
        while (bucket.overflow != 0) {
            const std::uint32_t next = bucket.overflow;
            bucket = overflow()[next];
            free_overflow(next);
            put_all(bucket, hash_of);
        }
        if (!layout_.is_moving() && span > layout_.target()) {
            const std::uint64_t end = bytes_of(layout_.target());
            buckets_.give_back(end, bytes_of(span) - end);
            account_.give(bytes_of(span) - end);
        }
    }
    published_count_.store(layout_.target(), std::memory_order_relaxed);
}

void Index::put_all(const Bucket& from, HashOf hash_of) noexcept {
    for (unsigned slot = 0; slot < slots_per_bucket; ++slot) {
        if (from.tags[slot] == 0) continue;
        const std::uint64_t hash = hash_of(from.refs[slot]);
        put(hash, from.refs[slot]);
        if (!keeps_all_ && is_crowded(hash, 0)) crowd_ = hash;
    }
}

// By pages, so that an index without overflows has none.
bool Index::reserve_overflow(std::uint32_t count) noexcept {
    while (free_count_ < count) {
        if (!account_.take(page_bytes)) return false;
        if (!overflow_.commit_to((overflow_pages_ + std::size_t{1}) * page_bytes)) {
            account_.give(page_bytes);
            return false;
        }
        const std::uint32_t first = overflow_pages_++ * buckets_per_page;
        // Number 0 means "none" in a link, so the very first bucket stays unused.
        for (std::uint32_t i = buckets_per_page; i-- > (first == 0 ? 1 : 0);)
            free_overflow(first + i);
    }
    return true;
}

std::uint32_t Index::take_overflow() noexcept {
    assert(first_free_ != 0 && "prepare() was called");
    const std::uint32_t number = first_free_;
    first_free_ = overflow()[number].overflow;
    --free_count_;
    overflow()[number] = Bucket{};
    return number;
}

void Index::free_overflow(std::uint32_t number) noexcept {
    overflow()[number].overflow = first_free_;
    first_free_ = number;
    ++free_count_;
}

}  // namespace twincached::storage
