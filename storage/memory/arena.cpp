#include "storage/memory/arena.hpp"

#include <algorithm>
#include <cassert>
#include <cstring>

namespace twincached::storage {

namespace {

// An item that is written over keeps its room; it may waste a little of it.
constexpr std::uint32_t waste_limit_bytes = 64;
constexpr std::uint32_t waste_share = 8;

}  // namespace

Arena::Arena(const ArenaParts& parts, std::uint32_t slab_bytes, const AddressSpace& space)
    : share_(parts.share),
      extents_(parts.extents),
      books_(parts.books),
      slabs_(parts.share, slab_bytes, space),
      open_(slabs_) {}

// The oldest first, as eviction would come to them; what it has looked at in a slab is behind
// `scanned` and has been decided.
bool Arena::visit_by_age(lib::FunctionRef<bool(const Item&, Queue)> visit) const noexcept {
    for (const Queue queue : {Queue::main, Queue::fresh, Queue::bulk}) {
        SlabNumber number = slabs_.queue(queue).oldest;
        for (; number != 0; number = slabs_[number].newer) {
            for (std::uint32_t offset = slabs_[number].scanned; offset < slabs_[number].used;) {
                const Item& item = *slabs_.at(number, offset);
                offset += item.slab_bytes();
                if (!item.is_dead() && !visit(item, queue)) return false;
            }
        }
    }
    return true;
}

// --- storing -----------------------------------------------------------------------------------

// Written whole before anybody can find it: the table links it afterwards.
Item* Arena::place(const Placement& placement, const ItemForm& form) noexcept {
    assert(placement.slab != 0 && "has_room was asked");
    Item* item = slabs_.append(placement.slab, placement.bytes);
    item->write(form, placement.bytes);
    note_expiry(placement.slab, form.expiry);
    return item;
}

// An append to a large value keeps its extent: both items name it for a moment, and the old one
// gives its share back when it is buried.
void Arena::take_over(const Item& item, const Item* old) noexcept {
    books_.count(Work::items_stored);
    count_in(item);
    if (old != nullptr && item.is_large() && old->is_large() && item.extent() == old->extent())
        extents_.retain(item.extent());
}

// In place: most sets are of a key that is there, of about the size that it had, and this saves the
// link, the burial and the compaction that would follow. Refused where it would waste memory or
// keep a slab alive.
bool Arena::rewrite(Item* item, const ItemForm& form) noexcept {
    const std::uint32_t room = item->slab_bytes();
    const std::uint32_t needed = form.slab_bytes();
    if (needed > room || room - needed > std::max(waste_limit_bytes, room / waste_share))
        return false;
    const bool same_extent = item->is_large() ? item->extent() == form.extent : form.extent == 0;
    if (!same_extent) return false;
    const SlabNumber number = slabs_.slab_of(item);
    const Tick latest = slabs_[number].expiries.latest;
    // One that lives longer than its neighbours would keep the slab from dying as a whole.
    if (form.expiry.is_never() ? latest != no_tick : form.expiry.raw() > latest) return false;
    books_.count(Work::items_stored);
    count_out(*item);
    item->write(form, room);
    count_in(*item);
    note_expiry(number, form.expiry);
    return true;
}

void Arena::set_expiry(Item& item, Expiry expiry) noexcept {
    item.set_expiry(expiry);
    note_expiry(slabs_.slab_of(&item), expiry);
}

void Arena::note_expiry(SlabNumber number, Expiry expiry) noexcept {
    slabs_[number].expiries.include(expiry.raw());
    if (!expiry.is_never()) noted_expiry_ = std::min(noted_expiry_, expiry.raw());
}

// --- removing and moving -----------------------------------------------------------------------

// The bytes stay where they are until the slab is compacted or freed: a dead item is a gap that
// knows its length.
void Arena::bury(Item* item) noexcept {
    count_out(*item);
    if (item->is_large()) extents_.release(item->extent());
    const SlabNumber number = slabs_.slab_of(item);
    bury_in_slab(number, item);
    open_.settle(number);
}

void Arena::bury_in_slab(SlabNumber number, Item* item) noexcept {
    Slab& slab = slabs_[number];
    slab.live_bytes -= item->slab_bytes();
    --slab.live_items;
    item->set_dead();
}

// For compaction and promotion. The room that an item wasted where it was is not taken along.
Item* Arena::copy(const Item& item, Placement placement) noexcept {
    placement.bytes = item.natural_bytes();
    const SlabNumber to = open_.with_room(placement);
    if (to == 0) return nullptr;
    Item* copy = slabs_.append(to, placement.bytes);
    std::memcpy(static_cast<void*>(copy), &item, placement.bytes);
    copy->set_slab_bytes(placement.bytes);
    note_expiry(to, copy->expiry());
    books_.count(Work::bytes_copied, placement.bytes);
    return copy;
}

// The extent is the copy's now; it changes the queue that it counts for, if the copy is in another.
void Arena::bury_copied(Item* item, const Item& copy) noexcept {
    move_extent(*item, queue_of(*item), queue_of(copy));
    bury_in_slab(slabs_.slab_of(item), item);
}

// Down only, and never over a living neighbour: the caller goes through the slab from its
// beginning.
Item* Arena::slide(Item* item, std::uint32_t offset) noexcept {
    const SlabNumber number = slabs_.slab_of(item);
    const std::uint32_t bytes = item->natural_bytes();
    slabs_[number].live_bytes -= item->slab_bytes() - bytes;
    Item* moved = slabs_.at(number, offset);
    assert(moved <= item);
    if (moved != item) std::memmove(static_cast<void*>(moved), item, bytes);
    moved->set_slab_bytes(bytes);
    books_.count(Work::bytes_copied, bytes);
    return moved;
}

// --- counting ----------------------------------------------------------------------------------

// An extent counts for the shard, and for the queue whose turn to be evicted it brings nearer.
void Arena::count_in(const Item& item) noexcept {
    books_.count_in(item);
    if (!item.is_large()) return;
    share_.add(extent_bytes(item));
    slabs_.queue(queue_of(item)).bytes += extent_bytes(item);
}

void Arena::count_out(const Item& item) noexcept {
    books_.count_out(item);
    if (!item.is_large()) return;
    share_.subtract(extent_bytes(item));
    slabs_.queue(queue_of(item)).bytes -= extent_bytes(item);
}

void Arena::move_extent(const Item& item, Queue from, Queue to) noexcept {
    slabs_.queue(from).bytes -= extent_bytes(item);
    slabs_.queue(to).bytes += extent_bytes(item);
}

}  // namespace twincached::storage
