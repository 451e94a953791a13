// The hash index of one shard: finds an item's reference by its hash. An array of 64-byte buckets,
// one cache line each, ordered by hash:
//
//    0                 12         16                                64
//    [ 12 tags of 8 bits | overflow | 12 references of 4 bytes ]
//
// A tag is 8 bits of the hash that the position does not use, 0 = empty; all tags of a bucket are
// compared at once. A full bucket links to overflow buckets. The array grows by a quarter, or
// shrinks, in steps of a few buckets within one reserved mapping: no stall, no copy.
//
// A look-up costs what its chain is long, and an item's line for every tag that is alike. Hashes
// that clients cannot foresee make both short, but for a while: a peer's items come in the order of
// their hashes, and until the index has grown by them they lie in few of its places. Of a million
// items of a shard some three thousand have shared a chain by then (the root of ten times as many).
// Against those who choose keys whose hashes are alike there is a limit to both that such chains do
// not reach: the index says where it is reached, and whoever owns the items takes the oldest of the
// crowd out. So hashes that are equal cost a look-up eight items beside the bucket's own, whatever
// the keys; those that share no more than a place, some hundred lines at the worst.
//
// The index knows nothing of keys; it is guarded by its shard's lock.
#pragma once

#include "lib/function_ref.hpp"
#include "lib/prefetch.hpp"
#include "storage/index/linear_layout.hpp"
#include "storage/index/tags.hpp"
#include "storage/memory/memory_account.hpp"
#include "storage/memory/ref.hpp"
#include "storage/memory/reservation.hpp"

#include <array>
#include <atomic>
#include <bit>
#include <cstdint>
#include <optional>
#include <utility>

namespace twincached::storage {

class Index {
  public:
    using HashOf = lib::FunctionRef<std::uint64_t(Ref)>;
    using RefVisitor = lib::FunctionRef<void(Ref)>;

    // `shard_bits`: how many top bits of every hash chose the shard and are equal here.
    Index(MemoryShare& share, const AddressSpace& space, unsigned shard_bits);

    // The reference that `match` accepts among those whose tag is right; 0 if there is none.
    template <class Match>
    Ref find(std::uint64_t hash, Match&& match) const noexcept {
        const std::uint8_t tag = tag_of(hash);
        const Bucket* bucket = &buckets()[layout_.locate(local(hash))];
        for (;;) {
            for (auto hits = match_tags(bucket->tags, tag); hits != 0; hits &= hits - 1) {
                const Ref ref = bucket->refs[static_cast<unsigned>(std::countr_zero(hits))];
                if (match(ref)) return ref;
            }
            if (bucket->overflow == 0) return 0;
            bucket = &overflow()[bucket->overflow];
        }
    }
    // Makes sure that the next insertion finds room; false if there is no memory for it.
    [[nodiscard]] bool prepare() noexcept { return reserve_overflow(1); }
    // REQUIRES: prepare() has succeeded since the last insertion; ref is not in the index.
    void insert(std::uint64_t hash, Ref ref) noexcept;
    // REQUIRES: `ref` is in the index under that hash.
    void replace(std::uint64_t hash, Ref ref, Ref by) noexcept;
    void erase(std::uint64_t hash, Ref ref) noexcept;

    // Would so many more of that hash make its chain longer than a chain may be? With none: is it
    // already? Chains of twelve are never too long.
    bool is_crowded(std::uint64_t hash, unsigned newcomers) const noexcept {
        const std::uint8_t tag = tag_of(hash);
        const Bucket* bucket = &buckets()[layout_.locate(local(hash))];
        if (bucket->overflow == 0) return false;
        return ChainCount(*bucket, overflow(), tag).is_crowded(newcomers);
    }
    // Calls the visitor with those of which there are too many: the references whose tags are
    // alike, or else those that have been in the chain for longest.
    void visit_crowd(std::uint64_t hash, unsigned newcomers, RefVisitor visit) const noexcept;
    // A hash whose chain has become too long because two were joined. Until it has been taken, and
    // the crowd been thinned out, nothing moves on.
    std::optional<std::uint64_t> take_crowd() noexcept {
        return std::exchange(crowd_, std::nullopt);
    }
    bool has_crowd() const noexcept { return crowd_.has_value(); }
    // Nobody may take items out: chains are not joined by shrinking, and no crowd is told of.
    void keep_all() noexcept { keeps_all_ = true; }

    // Calls the visitor with all references of the bucket in which the hash lies, and returns the
    // first hash beyond it; none at the end of the shard. What is in the index throughout a walk
    // along these hashes is visited at least once, however the index changes between the steps.
    std::optional<std::uint64_t> visit(std::uint64_t hash, RefVisitor visit) const noexcept;

    // Begins to grow or to shrink if the load asks for it and memory allows.
    void adjust() noexcept;
    // Moves on by so many buckets, if it is growing or shrinking.
    void step(unsigned count, HashOf hash_of) noexcept;
    bool is_moving() const noexcept { return layout_.is_moving(); }
    // It should grow but finds no memory: save for it.
    MemoryAccount& account() noexcept { return account_; }

    // Hints, which need no lock.
    void prefetch(std::uint64_t hash) const noexcept {
        const auto count = published_count_.load(std::memory_order_relaxed);
        lib::prefetch(&buckets()[LinearLayout::scale(local(hash), count)]);
    }

    std::uint64_t items() const noexcept { return items_; }
    std::uint64_t bytes() const noexcept { return account_.bytes(); }

  private:
    static constexpr unsigned slots_per_bucket = tag_count;
    struct alignas(64) Bucket {
        TagArray tags;
        std::uint32_t overflow;
        std::array<Ref, slots_per_bucket> refs;
    };
    static_assert(sizeof(Bucket) == 64);
    struct Place {
        Bucket* bucket;
        unsigned slot;
    };
    // Of the tags in a chain one in 255 is like any other: a twelfth part, and eight besides, is
    // far from what chance brings (the odds are below 10^-10 for chains of every length).
    static constexpr unsigned alike_most = 8;
    static constexpr unsigned overflows_per_alike = 2;
    static constexpr unsigned overflows_most = 512;
    struct ChainCount {
        ChainCount(const Bucket& head, const Bucket* overflow, std::uint8_t tag) noexcept;

        unsigned alike = 0;      // tags
        unsigned overflows = 0;  // buckets behind the first

        bool are_too_many_alike(unsigned newcomers) const noexcept {
            return alike + newcomers > alike_most + overflows / overflows_per_alike;
        }
        bool is_crowded(unsigned newcomers) const noexcept {
            return are_too_many_alike(newcomers) || overflows + (newcomers != 0) > overflows_most;
        }
    };

    std::uint64_t local(std::uint64_t hash) const noexcept { return hash << shard_bits_; }
    Bucket* buckets() const noexcept { return reinterpret_cast<Bucket*>(buckets_.base()); }
    Bucket* overflow() const noexcept { return reinterpret_cast<Bucket*>(overflow_.base()); }

    [[nodiscard]] bool resize_to(std::uint32_t count) noexcept;
    [[nodiscard]] bool reserve_overflow(std::uint32_t count) noexcept;
    std::uint32_t take_overflow() noexcept;
    void free_overflow(std::uint32_t number) noexcept;
    Place place_of(std::uint64_t hash, Ref ref) const noexcept;
    void put(std::uint64_t hash, Ref ref) noexcept;
    void put_all(const Bucket& from, HashOf hash_of) noexcept;
    void fill_hole(Bucket& head, Place hole) noexcept;

    MemoryAccount account_;  // of the buckets up to the layout's span, and of all overflow pages
    unsigned shard_bits_;
    Reservation buckets_;
    Reservation overflow_;
    LinearLayout layout_;
    // The layout's target as it was a moment ago, for hints without the lock: a hint may be wrong,
    // but what it points to is always within the reservation.
    std::atomic<std::uint32_t> published_count_;
    std::uint64_t items_ = 0;
    std::uint32_t overflow_pages_ = 0;
    std::uint32_t first_free_ = 0;  // chain of free overflow buckets, linked as those in use are
    std::uint32_t free_count_ = 0;  // its length; at least 1 between `prepare` and `insert`
    std::optional<std::uint64_t> crowd_;
    bool keeps_all_ = false;
};

}  // namespace twincached::storage
