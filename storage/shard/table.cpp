#include "storage/shard/table.hpp"

#include "lib/prefetch.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <cstring>

namespace twincached::storage {

namespace {

// So few slabs may be open at once that what is still empty in them does not matter.
constexpr std::uint64_t open_share = 8;
constexpr unsigned open_least = 2;
// An item that is written over keeps its room; it may waste a little of it.
constexpr std::uint32_t waste_limit_bytes = 64;
constexpr unsigned steps_per_insertion = 2;

}  // namespace

Table::Table(const TableContext& context)
    : context_(context),
      extents_(context.extents),
      slabs_(context.budget, context.slab_bytes, context.space),
      index_(context.budget, {context.space.bytes / 2, context.space.pages}, context.shard_bits),
      ghosts_(context.budget, context.space.bytes / 8, context.shard_bits) {
    publish_bytes();
}

void Table::find_hash(std::uint64_t hash, lib::FunctionRef<void(Item&)> visit) const noexcept {
    (void)index_.find(hash, [&](Ref candidate) {
        if (hash_of(*slabs_.at(candidate)) == hash) visit(*slabs_.at(candidate));
        return false;
    });
}

void Table::prefetch_item(std::uint64_t hash) const noexcept {
    (void)index_.find(hash, [&](Ref candidate) {
        lib::prefetch(slabs_.at(candidate));
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
        items[count] = slabs_.at(ref);
        lib::prefetch(items[count]);
        if (++count == items.size()) visit_all();
    });
    visit_all();
    return next;
}

bool Table::visit_by_age(lib::FunctionRef<bool(const Item&, Queue)> visit) const noexcept {
    for (const Queue queue : {Queue::main, Queue::fresh}) {
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

Queue Table::queue_for(std::uint64_t hash, const Item* old) noexcept {
    if (old != nullptr) return slabs_[slabs_.slab_of(old)].queue;
    return ghosts_.recall(hash) ? Queue::main : Queue::fresh;
}

// Its own lifetime, if a slab is or may be open for it; else the nearest one that has one, a
// longer one first.
unsigned Table::lifetime_for(const Placement& placement) const noexcept {
    const auto& open = open_[static_cast<unsigned>(placement.queue)];
    const unsigned own = placement.lifetime;
    if (open[own] != 0) return own;
    if (open_count_ < std::max<std::uint64_t>(open_least, slabs_.count() / open_share)) return own;
    for (unsigned longer = own + 1; longer < lifetime_count; ++longer)
        if (open[longer] != 0) return longer;
    for (unsigned shorter = own; shorter-- > 0;)
        if (open[shorter] != 0) return shorter;
    return own;
}

// An open slab, or a new one that is opened; 0 if there is no memory for it.
SlabNumber Table::slab_with_room(const Placement& placement) noexcept {
    const unsigned lifetime = lifetime_for(placement);
    const SlabNumber open = open_slab(placement.queue, lifetime);
    if (open != 0 && slabs_.room(open) >= placement.bytes) return open;
    const SlabNumber fresh = slabs_.open(placement.queue, lifetime);
    if (fresh == 0) return 0;
    make_open(fresh);
    publish_bytes();
    return fresh;
}

// The slab takes the place of the one that was open for its queue and lifetime.
void Table::make_open(SlabNumber number) noexcept {
    Slab& slab = slabs_[number];
    const SlabNumber before = open_slab(slab.queue, slab.lifetime);
    if (before != 0) close(before);
    slab.state = SlabState::open;
    open_slab(slab.queue, slab.lifetime) = number;
    ++open_count_;
    if (before != 0) settle(before);
}

void Table::close(SlabNumber number) noexcept {
    Slab& slab = slabs_[number];
    slab.state = SlabState::sealed;
    open_slab(slab.queue, slab.lifetime) = 0;
    --open_count_;
}

// After items of the slab have gone: an empty one is free, a nearly empty one is worth emptying.
void Table::settle(SlabNumber number) noexcept {
    Slab& slab = slabs_[number];
    if (slab.is_draining) return;
    if (slab.live_items == 0) {
        if (slab.state == SlabState::sealed) {
            slabs_.free(number);
            publish_bytes();
        } else {
            slab.used = slab.scanned = 0;
            slab.earliest = no_tick;
            slab.latest = 0;
        }
        return;
    }
    if (slab.state != SlabState::sealed || slab.is_sparse) return;
    if (slab.live_bytes >= slabs_.slab_bytes() / 4) return;
    slab.is_sparse = true;
    sparse_.push_back(number);
}

bool Table::has_room(Placement& placement) noexcept {
    placement.slab = slab_with_room(placement);
    return placement.slab != 0 && index_.prepare();
}

Item* Table::place(const Placement& placement, const ItemForm& form) noexcept {
    const SlabNumber number = placement.slab;
    assert(number != 0 && "has_room was asked");
    Item* item = slabs_.append(number, placement.bytes);
    item->write(form, placement.bytes);
    note_expiry(slabs_[number], form.expiry);
    return item;
}

void Table::link(Item* item, std::uint64_t hash, Item* old) noexcept {
    ++items_ever_;
    count_in(*item);
    if (old == nullptr) {
        index_.insert(hash, slabs_.ref_of(item));
        adjust_index();
        return;
    }
    if (item->is_large() && old->is_large() && item->extent() == old->extent())
        extents_.retain(item->extent());
    index_.replace(hash, slabs_.ref_of(old), slabs_.ref_of(item));
    bury(old);
}

bool Table::rewrite(Item* item, const ItemForm& form) noexcept {
    const std::uint32_t room = item->slab_bytes();
    const std::uint32_t needed = form.slab_bytes();
    if (needed > room || room - needed > std::max(waste_limit_bytes, room / 8)) return false;
    const bool same_extent = item->is_large() ? item->extent() == form.extent : form.extent == 0;
    if (!same_extent) return false;
    Slab& slab = slabs_[slabs_.slab_of(item)];
    // One that lives longer than its neighbours would keep the slab from dying as a whole.
    if (form.expiry.is_never() ? slab.latest != no_tick : form.expiry.raw() > slab.latest)
        return false;
    ++items_ever_;
    count_out(*item);
    item->write(form, room);
    count_in(*item);
    note_expiry(slab, form.expiry);
    return true;
}

void Table::set_expiry(Item& item, Expiry expiry) noexcept {
    item.set_expiry(expiry);
    note_expiry(slabs_[slabs_.slab_of(&item)], expiry);
}

void Table::note_expiry(Slab& slab, Expiry expiry) noexcept {
    if (expiry.is_never()) {
        slab.latest = no_tick;
        return;
    }
    slab.earliest = std::min(slab.earliest, expiry.raw());
    slab.latest = std::max(slab.latest, expiry.raw());
    next_due_ = std::min(next_due_, expiry.raw());
    pass_due_ = std::min(pass_due_, expiry.raw());
}

void Table::adjust_index() noexcept {
    if (!index_.is_moving()) index_.adjust();
    if (!index_.is_moving()) return;
    index_.step(steps_per_insertion, [&](Ref ref) { return hash_of(*slabs_.at(ref)); });
    publish_bytes();
}

// --- removing ----------------------------------------------------------------------------------

void Table::remove(Item* item, std::uint64_t hash) noexcept {
    index_.erase(hash, slabs_.ref_of(item));
    bury(item);
}

void Table::drop(Item* item, std::uint64_t hash, Cause cause, Tick now) noexcept {
    count_drop(*item, cause, now);
    if (cause == Cause::evicted) tell_listener(*item, now);
    tell_sink(*item, hash, cause);
    remove(item, hash);
}

// The item is in the index no more.
void Table::bury(Item* item) noexcept {
    count_out(*item);
    if (item->is_large()) {
        extents_.release(item->extent());
        publish_bytes();
    }
    const SlabNumber number = slabs_.slab_of(item);
    bury_in_slab(number, item);
    settle(number);
}

void Table::bury_in_slab(SlabNumber number, Item* item) noexcept {
    Slab& slab = slabs_[number];
    slab.live_bytes -= item->slab_bytes();
    --slab.live_items;
    item->set_dead();
}

void Table::tell_sink(const Item& item, std::uint64_t hash, Cause cause) noexcept {
    if (item.is_stub()) return;  // nobody has heard of it
    const Version version = item.version();
    context_.sink.on_change(context_.shard, {{item.key(), hash}, version, 0, version, cause});
}

void Table::tell_listener(const Item& item, Tick now) const noexcept {
    if (context_.evictions == nullptr) return;
    auto* const listener = context_.evictions->load(std::memory_order_relaxed);
    if (listener == nullptr || !listener->listens()) return;
    ItemView view;
    view.key = item.key();
    view.value = {value_of(item), item.value_bytes()};
    view.client_flags = item.client_flags();
    view.expiry = item.expiry();
    view.last_access = item.last_access();
    view.fetched = item.is_fetched();
    listener->on_evicted(view, context_.classes.of(accounted(item)), now);
}

void Table::flush(Version version) noexcept {
    if (version <= flush_version_) return;
    flush_version_ = version;
    sweep_ = 1;
}

// --- books -------------------------------------------------------------------------------------

std::uint64_t Table::accounted(const Item& item) const noexcept {
    return accounted_bytes(item.key().size(), item.value_bytes(), item.client_flags());
}

void Table::count_in(const Item& item) noexcept {
    const std::uint64_t bytes = accounted(item);
    ClassStats& stats = stats_[context_.classes.of(bytes)];
    ++stats.items;
    stats.bytes += bytes;
    if (!item.is_large()) return;
    extent_bytes_ += footprint(item);
    slabs_.queue(slabs_[slabs_.slab_of(&item)].queue).bytes += footprint(item);
    publish_bytes();
}

void Table::count_out(const Item& item) noexcept {
    const std::uint64_t bytes = accounted(item);
    ClassStats& stats = stats_[context_.classes.of(bytes)];
    --stats.items;
    stats.bytes -= bytes;
    if (!item.is_large()) return;
    extent_bytes_ -= footprint(item);
    slabs_.queue(slabs_[slabs_.slab_of(&item)].queue).bytes -= footprint(item);
}

void Table::count_drop(const Item& item, Cause cause, Tick now) noexcept {
    ClassStats& stats = stats_of(item);
    if (cause == Cause::expired) {
        ++stats.expired;
        if (!item.is_fetched()) ++stats.expired_unfetched;
        return;
    }
    if (cause != Cause::evicted) return;
    ++stats.evicted;
    if (!item.expiry().is_never()) ++stats.evicted_nonzero;
    if (!item.is_fetched()) ++stats.evicted_unfetched;
    if (item.frequency() > 0) ++stats.evicted_active;
    stats.last_evicted_age = now - std::min(now, item.last_access());
}

void Table::count_no_memory(std::uint64_t accounted) noexcept {
    ++stats_[context_.classes.of(accounted)].no_memory;
}

void Table::publish_bytes() noexcept {
    bytes_.store(slabs_.bytes() + index_.bytes() + ghosts_.bytes() + extent_bytes_,
                 std::memory_order_relaxed);
}

bool Table::is_poor() const noexcept {
    const std::uint64_t part = context_.budget.limit() >> context_.shard_bits;
    return bytes() < part - part / 8;
}

}  // namespace twincached::storage
