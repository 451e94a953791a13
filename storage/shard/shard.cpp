#include "storage/shard/shard.hpp"

#include "storage/size_classes.hpp"

#include <cstring>

namespace twincached::storage {

namespace {

// An extent that a growing value has outgrown is replaced by one with some room to grow.
constexpr std::uint64_t growth_share = 8;

}  // namespace

Shard::Shard(const TableContext& context, VersionClock clock, const ShardLimits& limits)
    : number_(context.shard),
      shard_bits_(context.shard_bits),
      limits_(limits),
      sink_(context.sink),
      extents_(context.extents),
      clock_(clock),
      table_(context) {}

void Shard::Value::copy_to(char* to) const noexcept {
    if (!front.empty()) std::memcpy(to, front.data(), front.size());
    if (!back.empty()) std::memcpy(to + front.size(), back.data(), back.size());
}

// What has expired or was flushed goes the moment that somebody asks for it.
Shard::Found Shard::find_live(const Key& key, const Now& now) noexcept {
    Item* item = table_.find(key);
    if (item == nullptr) return {nullptr, Miss::absent};
    if (table_.is_flushed(*item)) {
        table_.drop(item, key.hash, Cause::flushed, now.tick());
        return {nullptr, Miss::flushed};
    }
    if (item->expiry().is_past(now.tick())) {
        table_.drop(item, key.hash, Cause::expired, now.tick());
        return {nullptr, Miss::expired};
    }
    return {item, Miss::none};
}

ItemView Shard::view(Item& item, std::uint64_t hash) const noexcept {
    ItemView view;
    view.key = item.key();
    view.value = {table_.value_of(item), item.value_bytes()};
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

ItemForm Shard::form_of(const Key& key, const Now& now) const noexcept {
    ItemForm form;
    form.key = key.bytes;
    form.last_access = now.tick();
    return form;
}

// The caller's key, not the item's own: the item may move while its successor is written.
ItemForm Shard::form_of(const Key& key, const Item& old) const noexcept {
    ItemForm form = old.form();
    form.key = key.bytes;
    return form;
}

bool Shard::exceeds_limit(const ItemForm& form, std::uint64_t value_bytes) const noexcept {
    return value_bytes > value_length_limit ||
           accounted_bytes(form.key.size(), value_bytes, form.client_flags) > limits_.item_size;
}

// --- storing -----------------------------------------------------------------------------------

// Under one hold of the lock, and only when nothing can fail any more, the item is written, its
// version is allotted and the sink is told (rule R0).
Shard::Stored Shard::store(Storing& storing, const Now& now, Supply& supply) noexcept {
    ItemForm& form = storing.form;
    // Not yet the version, but already not that of a stub, which takes more room.
    form.version = storing.version.value_or(1);
    if (const Stored value = prepare_value(storing, supply); value != Stored::done) return value;
    Item* old = storing.old;
    const Version before = old != nullptr ? old->version() : 0;
    if (old != nullptr && store_in_place(storing)) {
        publish(storing, before, now);
        return Stored::done;
    }
    if (!storing.queue) storing.queue = table_.queue_for(storing.key.hash, old);
    Table::Placement placement = {form.slab_bytes(), *storing.queue,
                                  lifetime_of(form.expiry, now.tick())};
    if (const Stored room = prepare_room(placement, now, supply); room != Stored::done) return room;
    Item* item = table_.place(placement, form);
    if (form.extent == 0 && !form.is_stub()) {
        if (storing.value.is_kept)
            std::memcpy(item->value_in_slab(), old->value_in_slab(), form.value_bytes);
        else
            storing.value.copy_to(item->value_in_slab());
    }
    if (form.extent == supply.extent) supply.extent = 0;
    table_.link(item, storing.key.hash, old);
    storing.old = item;
    publish(storing, before, now);
    return Stored::done;
}

// A large value lies in an extent: the old item's, or one that Store has provided.
Shard::Stored Shard::prepare_value(Storing& storing, Supply& supply) noexcept {
    ItemForm& form = storing.form;
    if (storing.value.is_kept) {
        form.extent = storing.old->is_large() ? storing.old->extent() : 0;
        return Stored::done;
    }
    form.value_bytes = storing.value.bytes();
    form.extent = 0;
    if (form.value_bytes <= limits_.large_value) return Stored::done;
    if (supply.extent == 0 || extents_.capacity(supply.extent) < form.value_bytes) {
        if (supply.insist) return Stored::failed;
        const bool grows = storing.value.aliases_old;
        supply.lacks_extent_bytes =
            form.value_bytes + (grows ? form.value_bytes / growth_share : 0);
        return Stored::lacking;
    }
    if (!supply.is_filled) storing.value.copy_to(extents_.data(supply.extent));
    form.extent = supply.extent;
    return Stored::done;
}

Shard::Stored Shard::prepare_room(Table::Placement& placement, const Now& now,
                                  Supply& supply) noexcept {
    if (table_.has_room(placement)) return Stored::done;
    const bool others_first = !supply.insist && table_.is_poor();
    if (!others_first && table_.make_room(placement, now.tick())) return Stored::again;
    supply.lacks_slab = !supply.insist;
    return supply.insist ? Stored::failed : Stored::lacking;
}

bool Shard::store_in_place(const Storing& storing) noexcept {
    Item& old = *storing.old;
    const ItemForm& form = storing.form;
    if (storing.value.is_kept) {
        const bool same_shape = old.has_explicit_cas() == form.explicit_cas.has_value() &&
                                (old.client_flags() != 0) == (form.client_flags != 0);
        return same_shape && table_.rewrite(&old, form);
    }
    if (storing.value.aliases_old || !table_.rewrite(&old, form)) return false;
    if (form.extent == 0 && !form.is_stub()) storing.value.copy_to(old.value_in_slab());
    return true;
}

void Shard::publish(Storing& storing, Version before, const Now& now) noexcept {
    const Version version = storing.version ? *storing.version : clock_.next_write(now.version_ms);
    storing.old->set_version(version);
    if (version == 0) return;
    storing.ticket =
        sink_.on_change(number_, {storing.key, before, version, version, storing.cause});
}

// `item` may be null: a delete is told even of what is absent here, for the peer may have it.
Ticket Shard::remove_reported(const Key& key, Item* item, Version version, Cause cause) noexcept {
    const Version before = item != nullptr ? item->version() : 0;
    if (item != nullptr) table_.remove(item, key.hash);
    return sink_.on_change(number_, {key, before, 0, version, cause});
}

// Replication compares seconds, so an expiry that stays the same is no change.
Ticket Shard::touch_item(Item& item, const Key& key, Expiry expiry, const Now& now) noexcept {
    if (item.expiry() == expiry) return {};
    table_.set_expiry(item, expiry);
    if (item.is_stub()) return {};
    const Version before = item.version();
    item.set_version(clock_.next_touch(before, now.version_ms));
    return sink_.on_change(number_,
                           {key, before, item.version(), item.version(), Cause::local_write});
}

}  // namespace twincached::storage
