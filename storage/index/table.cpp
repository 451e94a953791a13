#include "storage/index/table.hpp"

#include "lib/prefetch.hpp"

#include <cstring>
#include <utility>

namespace twincached::storage {

namespace {

// The index keeps ahead of its items if it moves faster than they come.
constexpr unsigned steps_per_insertion = 2;

}  // namespace

Table::Table(const ArenaParts& parts, const lib::KeyedHash& hash, const TableOptions& options)
    : hash_(hash),
      arena_(parts, options.slab_bytes, options.space),
      index_(parts.share, {options.space.bytes / 2, options.space.pages, options.space.is_locked},
             options.shard_bits) {}

// --- finding -----------------------------------------------------------------------------------

void Table::find_hash(std::uint64_t hash, lib::FunctionRef<void(Item&)> visit) const noexcept {
    (void)index_.find(hash, [&](Ref candidate) {
        if (hash_of(*arena_.at(candidate)) == hash) visit(*arena_.at(candidate));
        return false;
    });
}

// Of those used in the same second, the one that was written first.
Table::Hashed Table::oldest_of_crowd(std::uint64_t hash, unsigned newcomers) const noexcept {
    if (!index_.is_crowded(hash, newcomers)) return {};
    const auto age_of = [](const Item& item) {
        return std::pair(item.last_access(), item.version());
    };
    Item* oldest = nullptr;
    index_.visit_crowd(hash, newcomers, [&](Ref ref) {
        Item* item = arena_.at(ref);
        if (oldest == nullptr || age_of(*item) < age_of(*oldest)) oldest = item;
    });
    return {oldest, hash_of(*oldest)};
}

void Table::prefetch_item(std::uint64_t hash) const noexcept {
    (void)index_.find(hash, [&](Ref candidate) {
        lib::prefetch(arena_.at(candidate));
        return false;
    });
}

std::optional<std::uint64_t> Table::visit(std::uint64_t hash, HashedVisitor visit) const noexcept {
    // Neighbours in the index lie anywhere in the slabs: all are on their way to the cache before
    // the first is read.
    std::array<Item*, 16> items;
    std::size_t count = 0;
    const auto visit_all = [&] {
        for (std::size_t i = 0; i < count; ++i)
            visit(*items[i], hash_of(*items[i]));
        count = 0;
    };
    const auto next = index_.visit(hash, [&](Ref ref) {
        items[count] = arena_.at(ref);
        lib::prefetch(items[count]);
        if (++count == items.size()) visit_all();
    });
    visit_all();
    return next;
}

// --- storing -----------------------------------------------------------------------------------

// Both must be sure before an item is placed: one that lies in a slab and cannot be linked would
// be a hole there.
bool Table::has_room(Placement& placement) noexcept {
    placement.slab = arena_.open_slabs().with_room(placement);
    return placement.slab != 0 && index_.prepare();
}

// The new item is counted before the old one is buried: an extent that both have must not be freed
// in between. Whoever inserts pays for the index's growth, two buckets each, so that it is never
// needed all at once.
void Table::link(Item* item, std::uint64_t hash, Item* old) noexcept {
    arena_.take_over(*item, old);
    if (old == nullptr) {
        index_.insert(hash, arena_.ref_of(item));
        if (!index_.is_moving()) index_.adjust();
        if (index_.is_moving()) step_index(steps_per_insertion);
        return;
    }
    index_.replace(hash, arena_.ref_of(old), arena_.ref_of(item));
    arena_.bury(old);
}

// The hashes are made anew of the keys: an index that kept them would need eight bytes more an
// item, and a bucket would not be one cache line.
void Table::step_index(unsigned buckets) noexcept {
    index_.step(buckets, [&](Ref ref) { return hash_of(*arena_.at(ref)); });
}

// --- removing and moving -----------------------------------------------------------------------

void Table::remove(Item* item, std::uint64_t hash) noexcept {
    index_.erase(hash, arena_.ref_of(item));
    arena_.bury(item);
}

Item* Table::move(Item* item, std::uint64_t hash, const Placement& placement) noexcept {
    Item* copy = arena_.copy(*item, placement);
    if (copy == nullptr) return nullptr;
    index_.replace(hash, arena_.ref_of(item), arena_.ref_of(copy));
    arena_.bury_copied(item, *copy);
    return copy;
}

Item* Table::reshape(Item* item, std::uint64_t hash, const Placement& placement,
                     const ItemForm& form) noexcept {
    Item* copy = arena_.place(placement, form);
    if (!item->is_large() && !item->is_stub())
        std::memcpy(copy->value_in_slab(), item->value_in_slab(), item->value_bytes());
    index_.replace(hash, arena_.ref_of(item), arena_.ref_of(copy));
    arena_.bury_copied(item, *copy);
    arena_.open_slabs().settle(arena_.slabs().slab_of(item));
    return copy;
}

// The reference changes though the item is the same: it is where the item lies.
Item* Table::slide(Item* item, std::uint64_t hash, std::uint32_t offset) noexcept {
    const Ref before = arena_.ref_of(item);
    Item* moved = arena_.slide(item, offset);
    index_.replace(hash, before, arena_.ref_of(moved));
    return moved;
}

}  // namespace twincached::storage
