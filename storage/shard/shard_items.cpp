#include "storage/shard/shard_items.hpp"

#include <algorithm>
#include <cstring>

namespace twincached::storage {

namespace {

// An extent that a growing value has outgrown is replaced by one with some room to grow.
constexpr std::uint64_t growth_share = 8;
// The ghosts' address space, as a part of the slabs'.
constexpr std::uint64_t ghost_share = 8;
// One step of upkeep, each some microseconds.
constexpr unsigned buckets_per_step = 128;
constexpr unsigned ghost_lines_per_step = 256;
constexpr unsigned items_for_age = 256;

// The oldest slab of a queue holds the items that were not read for longest, or nearly.
void add_ages(StoreStats& stats, const Table& table, const Books& books, Queue queue, Tick now) {
    const Slabs& slabs = table.arena().slabs();
    const SlabNumber number = slabs.queue(queue).oldest;
    if (number == 0) return;
    std::uint32_t offset = slabs[number].scanned;
    for (unsigned i = 0; i < items_for_age && offset < slabs[number].used; ++i) {
        const Item& item = *slabs.at(number, offset);
        offset += item.slab_bytes();
        if (item.is_dead()) continue;
        ClassStats& to = stats.classes[books.class_of(item)];
        const std::uint64_t age = now - std::min(now, item.last_access());
        to.oldest_age = std::max(to.oldest_age, age);
        if (queue != Queue::main) to.oldest_fresh = std::max(to.oldest_fresh, age);
    }
}

}  // namespace

ShardItems::ShardItems(const ShardContext& context, VersionClock clock, const ShardLimits& limits)
    : number_(context.shard),
      limits_(limits),
      sink_(context.sink),
      extents_(context.extents),
      clock_(clock),
      share_(context.budget, context.shard_bits),
      books_(context.classes),
      table_({share_, context.extents, books_}, context.hash,
             {context.shard_bits, context.slab_bytes, context.space}),
      drops_(table_, books_, {context.sink, context.shard, context.evictions}),
      evictor_({share_, context.extents, table_, drops_, books_},
               {context.evict, context.space.bytes / ghost_share, context.shard_bits,
                context.space.is_locked}),
      collector_(table_, drops_, books_) {}

ShardItems::Found ShardItems::find_live(const Key& key, const Now& now) noexcept {
    Item* item = table_.find(key);
    if (item == nullptr) return {nullptr, Miss::absent};
    if (table_.is_flushed(*item)) {
        drops_.drop(*item, key.hash, Cause::flushed, now.tick());
        return {nullptr, Miss::flushed};
    }
    if (item->expiry().is_past(now.tick())) {
        drops_.drop(*item, key.hash, Cause::expired, now.tick());
        return {nullptr, Miss::expired};
    }
    return {item, Miss::none};
}

ItemView ShardItems::view(Item& item, std::uint64_t hash) const noexcept {
    ItemView view;
    view.key = item.key();
    view.value = {table_.arena().value_of(item), item.value_bytes()};
    view.hash = hash;
    view.version = item.version();
    view.cas = item.cas();
    view.client_flags = item.client_flags();
    view.expiry = item.expiry();
    view.last_access = item.last_access();
    view.explicit_cas = item.has_explicit_cas();
    view.fetched = item.is_fetched();
    view.stale = item.is_stale();
    view.won = item.is_won();
    view.binary_key = item.has_binary_key();
    view.pinnable = item.is_large();
    view.location = &item;
    return view;
}

bool ShardItems::exceeds_limit(const ItemForm& form, std::uint64_t value_bytes) const noexcept {
    return value_bytes > value_length_limit ||
           accounted_bytes(form.key.size(), value_bytes, form.client_flags) > limits_.item_size;
}

// --- storing -----------------------------------------------------------------------------------

Stored ShardItems::store(Storing& storing, const Now& now, MemoryGrant& grant) noexcept {
    ItemForm& form = storing.form;
    if (storing.old == nullptr && !evictor_.make_place(storing.key.hash, now.tick()))
        return Stored::failed;
    // Not yet the version, but already not that of a stub, which takes more room.
    form.version = storing.version.value_or(1);
    // Where nothing may be evicted, a touch could not move the item to where it has one.
    form.has_place_for_expiry |= !evictor_.may_evict();
    if (const Stored value = prepare_value(storing, grant); value != Stored::done) return value;
    Item* old = storing.old;
    const Version before = old != nullptr ? old->version() : 0;
    if (old != nullptr && store_in_place(storing)) {
        publish(storing, before, now);
        return Stored::done;
    }
    // Asked once: a ghost is forgotten when it is recalled, and the loop may come here again.
    const std::uint64_t bytes =
        form.slab_bytes() + (form.extent != 0 ? extents_.footprint(form.extent) : 0);
    if (!storing.queue)
        storing.queue = evictor_.balance().queue_for(storing.key.hash, old, bytes, now.tick());
    if (*storing.queue != Queue::main) storing.queue = evictor_.balance().queue_for_newcomer(bytes);
    Placement placement = {form.slab_bytes(), *storing.queue, lifetime_of(form.expiry, now.tick())};
    if (const Stored room = prepare_room(placement, now, grant); room != Stored::done) return room;
    Item* item = table_.arena().place(placement, form);
    if (form.extent == 0 && !form.is_stub()) {
        if (storing.value.is_kept)
            std::memcpy(item->value_in_slab(), old->value_in_slab(), form.value_bytes);
        else
            storing.value.copy_to(item->value_in_slab());
    }
    if (form.extent == grant.extent) grant.extent = 0;
    table_.link(item, storing.key.hash, old);
    storing.old = item;
    publish(storing, before, now);
    return Stored::done;
}

// A large value lies in an extent: the old item's, or one that the store has granted.
Stored ShardItems::prepare_value(Storing& storing, MemoryGrant& grant) noexcept {
    ItemForm& form = storing.form;
    if (storing.value.is_kept) {
        form.extent = storing.old->is_large() ? storing.old->extent() : 0;
        return Stored::done;
    }
    form.value_bytes = storing.value.bytes();
    form.extent = 0;
    if (form.value_bytes <= limits_.large_value) return Stored::done;
    if (grant.extent == 0 || extents_.capacity(grant.extent) < form.value_bytes) {
        if (grant.is_final) return Stored::failed;
        const bool grows = storing.value.aliases_old;
        grant.lacks_extent_bytes = form.value_bytes + (grows ? form.value_bytes / growth_share : 0);
        return Stored::lacking;
    }
    if (!grant.is_filled) storing.value.copy_to(extents_.data(grant.extent));
    form.extent = grant.extent;
    return Stored::done;
}

// A shard that has less than its part lets the others make room first: else one that was filled
// late would go on evicting its own few items for ever.
Stored ShardItems::prepare_room(Placement& placement, const Now& now, MemoryGrant& grant) noexcept {
    if (table_.has_room(placement)) return Stored::done;
    const bool others_first = !grant.is_final && share_.is_poor();
    if (!others_first && evictor_.make_room(placement, now.tick())) return Stored::again;
    grant.lacks_slab = !grant.is_final;
    return grant.is_final ? Stored::failed : Stored::lacking;
}

// A value that stays is not moved, so an item must keep the shape of what lies before it.
bool ShardItems::store_in_place(const Storing& storing) noexcept {
    Item& old = *storing.old;
    const ItemForm& form = storing.form;
    if (storing.value.is_kept) {
        const bool same_shape = old.has_explicit_cas() == form.explicit_cas.has_value() &&
                                old.has_expiry() == form.keeps_expiry() &&
                                (old.client_flags() != 0) == (form.client_flags != 0);
        return same_shape && table_.arena().rewrite(&old, form);
    }
    if (storing.value.aliases_old || !table_.arena().rewrite(&old, form)) return false;
    if (form.extent == 0 && !form.is_stub()) storing.value.copy_to(old.value_in_slab());
    return true;
}

void ShardItems::publish(Storing& storing, Version before, const Now& now) noexcept {
    const Version version = storing.version ? *storing.version : clock_.next_write(now.version_ms);
    storing.old->set_version(version);
    if (version == 0) return;
    storing.ticket =
        sink_.on_change(number_, {storing.key, before, version, version, storing.cause});
}

// --- removing and touching ---------------------------------------------------------------------

Ticket ShardItems::remove(const Key& key, Item* item, Version version, Cause cause) noexcept {
    const Version before = item != nullptr ? item->version() : 0;
    if (item != nullptr) table_.remove(item, key.hash);
    return sink_.on_change(number_, {key, before, 0, version, cause});
}

// Replication compares seconds, so an expiry that stays the same is no change.
Ticket ShardItems::touch(Item*& item, const Key& key, Expiry expiry, const Now& now) noexcept {
    if (item->expiry() == expiry) return {};
    item = with_expiry(item, key, expiry, now);
    if (item == nullptr || item->is_stub()) return {};
    const Version before = item->version();
    item->set_version(clock_.next_touch(before, now.version_ms));
    return sink_.on_change(number_,
                           {key, before, item->version(), item->version(), Cause::local_write});
}

// Few items are stored to live for ever and given an end later: they move to where they have a
// place for it. Making room for one may evict it, or move it; if there is none to be made, it goes.
Item* ShardItems::with_expiry(Item* item, const Key& key, Expiry expiry, const Now& now) noexcept {
    if (item->has_expiry()) {
        table_.arena().set_expiry(*item, expiry);
        return item;
    }
    ItemForm form = form_of(key, *item);
    form.expiry = expiry;
    Placement placement = {form.slab_bytes(), table_.arena().queue_of(*item),
                           lifetime_of(expiry, now.tick())};
    while (!table_.has_room(placement)) {
        const bool made_room = evictor_.make_room(placement, now.tick());
        item = table_.find(key);
        if (item == nullptr) return nullptr;
        if (made_room) continue;
        drop(*item, key.hash, Cause::evicted, now.tick());
        return nullptr;
    }
    return table_.reshape(item, key.hash, placement, form);
}

void ShardItems::correct(Item& item, std::uint64_t hash, Version version) noexcept {
    const Version before = item.version();
    if (before == version) return;
    item.set_version(version);
    (void)sink_.on_change(number_,
                          {{item.key(), hash}, before, version, version, Cause::corrected});
}

// A stub is this node's own affair.
void ShardItems::tell_hint(const Item& item, const Key& key) noexcept {
    if (!item.is_stub()) sink_.on_hint(number_, key.hash);
}

void ShardItems::flush(Version version) noexcept {
    clock_.pass(version);
    collector_.flush(version);
}

// --- upkeep and reports ------------------------------------------------------------------------

bool ShardItems::upkeep(Tick now) noexcept {
    books_.count(Work::upkeep_steps);
    table_.index().adjust();
    table_.step_index(buckets_per_step);
    evictor_.thin_out_joined(now);
    evictor_.step_ghosts(ghost_lines_per_step);
    return collector_.step(now) || table_.index().is_moving();
}

void ShardItems::add_to(StoreStats& stats, Tick now) const noexcept {
    books_.add_to(stats);
    for (const Queue queue : {Queue::fresh, Queue::main, Queue::bulk})
        add_ages(stats, table_, books_, queue, now);
    stats.slab_bytes += table_.arena().slabs().bytes();
    stats.index_bytes += table_.index().bytes();
    stats.ghost_bytes += evictor_.ghost_bytes();
    stats.slabs += table_.arena().slabs().count();
    stats.kept_slabs += table_.arena().slabs().kept();
    stats.index_is_growing |= table_.index().is_moving();
}

}  // namespace twincached::storage
