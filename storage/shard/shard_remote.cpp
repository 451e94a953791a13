// What the peer changes in a shard, and what concerns all of it.

#include "storage/shard/shard.hpp"

#include <algorithm>
#include <cstring>

namespace twincached::storage {

namespace {

// How many steps of eviction one large record may cost while the lock is held.
constexpr unsigned eviction_steps = 8;

}  // namespace

// The newest version that anybody here knows of the key (rule R4). A stub counts as absent, and so
// does what is flushed or expired and merely not swept away yet: what the bucket remembers of drops
// must weigh then as it does when the item has gone.
Version Shard::known_version(const Key& key, const Item* held, Tick now) noexcept {
    const Version version = held != nullptr ? held->version() : 0;
    const bool present = version != 0 && is_live(*held, now);
    const Version sink = sink_.known_version(number_, key, present);
    return std::max({version, sink, table_.flush_version()});
}

ApplyOutcome Shard::apply(const Record& record, const Now& now) noexcept {
    Supply supply;
    supply.insist = true;
    if (record.value.size() > limits_.large_value) {
        supply.extent = extents_.allocate(record.value.size());
        for (unsigned step = 0; supply.extent == 0 && step < eviction_steps; ++step) {
            (void)table_.evict_some(record.value.size(), step / 2, now.tick());
            (void)extents_.collect();
            supply.extent = extents_.allocate(record.value.size());
        }
    }
    const ApplyOutcome outcome = apply(record, now, supply);
    if (supply.extent != 0) extents_.release(supply.extent);
    return outcome;
}

ApplyOutcome Shard::apply(const Record& record, const Now& now, Supply& supply) noexcept {
    clock_.observe(record.version);
    Storing storing(record.key);
    storing.version = record.version;
    storing.cause = Cause::remote;
    if (record.cold) storing.queue = Queue::fresh;
    for (;;) {
        if (record.version <= known_version(record.key, table_.find(record.key), now.tick()))
            return ApplyOutcome::outdated;
        Item* old = storing.old = find_live(record.key, now).item;
        storing.form = form_of(record.key, now);
        ItemForm& form = storing.form;
        form.client_flags = record.client_flags;
        form.expiry = record.expiry;
        form.explicit_cas = record.explicit_cas;
        form.stale = record.stale;
        form.binary_key = record.binary_key;
        if (old != nullptr) form.frequency = static_cast<std::uint8_t>(old->frequency());
        storing.value.front = record.value;
        const bool is_past = record.expiry.is_past(now.tick());
        Stored stored = Stored::failed;
        if (!is_past && !exceeds_limit(form, record.value.size()))
            stored = store(storing, now, supply);
        if (stored == Stored::again) continue;
        if (stored == Stored::done) return ApplyOutcome::applied;
        if (stored == Stored::lacking) return ApplyOutcome::no_memory;
        // A newer one exists, even if it cannot lie here: the older one must not be read.
        (void)remove_reported(record.key, table_.find(record.key), record.version, Cause::remote);
        if (is_past) return ApplyOutcome::applied;
        table_.count_no_memory(
            accounted_bytes(record.key.bytes.size(), record.value.size(), record.client_flags));
        return ApplyOutcome::no_memory;
    }
}

ApplyOutcome Shard::apply_delete(const Key& key, Version version, const Now& now) noexcept {
    clock_.observe(version);
    const Item* held = table_.find(key);
    if (version <= known_version(key, held, now.tick())) return ApplyOutcome::outdated;
    (void)remove_reported(key, find_live(key, now).item, version, Cause::remote);
    return ApplyOutcome::applied;
}

bool Shard::apply_touch(const Key& key, Version version, Expiry expiry, const Now& now) noexcept {
    clock_.observe(version);
    if (version <= known_version(key, table_.find(key), now.tick())) return true;
    Item* item = find_live(key, now).item;
    if (item == nullptr || write_of(item->version()) != write_of(version)) return false;
    const Version before = item->version();
    table_.set_expiry(*item, expiry);
    item->set_version(version);
    (void)sink_.on_change(number_, {key, before, version, version, Cause::remote});
    return true;
}

void Shard::apply_hint(std::uint64_t hash, const Now& now) noexcept {
    table_.find_hash(hash, [&](Item& item) {
        if (is_live(item, now.tick())) (void)item.raise_frequency();
    });
}

void Shard::drop_in_doubt(const Key& key, const Now& now) noexcept {
    Item* item = table_.find(key);
    if (item != nullptr) table_.drop(item, key.hash, Cause::in_doubt, now.tick());
}

void Shard::flush(Version version) noexcept {
    clock_.pass(version);
    table_.flush(version);
}

}  // namespace twincached::storage
