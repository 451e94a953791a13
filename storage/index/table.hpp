// The items of one shard, and how they are found. It joins the index, which finds a reference by a
// hash, with the arena that the reference points into, and keeps both in step:
//
//    hash --Index--> Ref --Arena--> Item --(large)--> Extents
//
// An item is stored in three steps: find room, have the arena place it there, `link` it. The table
// knows no commands (Shard), no policy (Evictor) and no sink: what leaves of its own accord is for
// Drops to tell. Guarded by the shard's lock.
#pragma once

#include "lib/function_ref.hpp"
#include "lib/hash.hpp"
#include "storage/index/index.hpp"
#include "storage/key.hpp"
#include "storage/memory/arena.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace twincached::storage {

struct TableOptions {
    unsigned shard_bits = 0;       // how many top bits of every hash are equal here
    std::uint32_t slab_bytes = 0;  // a power of two
    AddressSpace space;            // of the slabs; the index takes half as much besides
};

class Table {
  public:
    // All but the options must outlive the table.
    Table(const ArenaParts& parts, const lib::KeyedHash& hash, const TableOptions& options);

    // --- finding -----------------------------------------------------------------------------
    // Also what has expired or was flushed but still lies there; null if the key is absent.
    Item* find(const Key& key) const noexcept {
        const Ref ref = index_.find(
            key.hash, [&](Ref candidate) { return arena_.at(candidate)->key() == key.bytes; });
        return ref == 0 ? nullptr : arena_.at(ref);
    }
    // Calls the visitor with the items of exactly that hash.
    void find_hash(std::uint64_t hash, lib::FunctionRef<void(Item&)> visit) const noexcept;
    // Of those that crowd the index where that hash lies, the one that nobody has used for longest,
    // with its hash; null if so many more would not make a crowd. See Index::is_crowded.
    struct Hashed {
        Item* item = nullptr;
        std::uint64_t hash = 0;
    };
    Hashed oldest_of_crowd(std::uint64_t hash, unsigned newcomers) const noexcept;
    // Hints to the CPU. That of the bucket needs no lock.
    void prefetch_bucket(std::uint64_t hash) const noexcept { index_.prefetch(hash); }
    void prefetch_item(std::uint64_t hash) const noexcept;
    // Calls the visitor with the items of one index bucket, which may have other hashes than that
    // one, and returns the hash to go on with; see Index::visit.
    using HashedVisitor = lib::FunctionRef<void(Item&, std::uint64_t)>;
    std::optional<std::uint64_t> visit(std::uint64_t hash, HashedVisitor visit) const noexcept;
    // Calls the visitor with the live items of a slab from that offset on, and their hashes, while
    // it returns true; returns the offset to go on from. The visitor may drop or move the item.
    template <class Visit>
    std::uint32_t scan(SlabNumber number, std::uint32_t offset, Visit&& visit) noexcept;
    std::uint64_t hash_of(const Item& item) const noexcept { return hash_(item.key()); }

    // --- storing, removing, moving -----------------------------------------------------------
    // Takes more of the store's memory if there is any; moves nothing.
    bool has_room(Placement& placement) noexcept;
    // REQUIRES: the item was placed after has_room(placement) and its value written; `old` is what
    // the table has of that key, or null: it is buried.
    void link(Item* item, std::uint64_t hash, Item* old) noexcept;
    // Without a word to the sink.
    void remove(Item* item, std::uint64_t hash) noexcept;
    // To where the placement says, which need not say how large it is. Returns the copy, or null,
    // and nothing has changed, if there is no room. The slab that it leaves is not settled.
    Item* move(Item* item, std::uint64_t hash, const Placement& placement) noexcept;
    // The same with another form of the same value. REQUIRES: has_room(placement), and the form is
    // as large as the placement.
    Item* reshape(Item* item, std::uint64_t hash, const Placement& placement,
                  const ItemForm& form) noexcept;
    // To that offset of its own slab; see Arena::slide.
    Item* slide(Item* item, std::uint64_t hash, std::uint32_t offset) noexcept;

    // --- the flush register ------------------------------------------------------------------
    // What is not newer is dead, though it may still be there. The version is only ever raised,
    // but for one of a wrong clock.
    bool is_flushed(const Item& item) const noexcept {
        return (item.is_stub() ? item.birth() : item.version()) <= flush_version_;
    }
    Version flush_version() const noexcept { return flush_version_; }
    void set_flush_version(Version version) noexcept { flush_version_ = version; }

    // For upkeep: moves on by so many buckets, if the index is growing or shrinking.
    void step_index(unsigned buckets) noexcept;
    Arena& arena() noexcept { return arena_; }
    const Arena& arena() const noexcept { return arena_; }
    Index& index() noexcept { return index_; }
    const Index& index() const noexcept { return index_; }

  private:
    const lib::KeyedHash& hash_;
    Arena arena_;
    // Names exactly the items that are alive in the arena, each by its hash; a key at most once.
    Index index_;
    Version flush_version_ = 0;
};

// In batches, so that the index lines of one arrive while the batch before is dealt with.
template <class Visit>
std::uint32_t Table::scan(SlabNumber number, std::uint32_t offset, Visit&& visit) noexcept {
    struct Found {
        Item* item;
        std::uint64_t hash;
        std::uint32_t end;  // read before its neighbours may slide over it
    };
    constexpr std::size_t batch_size = 16;
    const Slabs& slabs = arena_.slabs();
    while (offset < slabs[number].used) {  // which grows if its own items move to its end
        std::array<Found, batch_size> batch;
        std::size_t count = 0;
        while (count < batch.size() && offset < slabs[number].used) {
            Item* item = slabs.at(number, offset);
            offset += item->slab_bytes();
            if (item->is_dead()) continue;
            batch[count] = {item, hash_of(*item), offset};
            index_.prefetch(batch[count++].hash);
        }
        for (std::size_t i = 0; i < count; ++i)
            if (!visit(*batch[i].item, batch[i].hash)) return batch[i].end;
    }
    return offset;
}

}  // namespace twincached::storage
