// How a shard's items leave it before a restart, and come back after it.

#include "storage/shard/saved_item.hpp"
#include "storage/shard/shard.hpp"

namespace twincached::storage {

// What has expired goes along: the sink of the store to come must be told of it. What was flushed
// does not, for the flush itself is remembered; nor do stubs, which nobody was told of.
bool Shard::save(SavedItemVisitor visit) noexcept {
    return table_.visit_by_age([&](const Item& item, Queue queue) {
        if (item.is_stub() || table_.is_flushed(item)) return true;
        SavedItem saved(item.state());
        saved.key = item.key();
        saved.value = {table_.value_of(item), item.value_bytes()};
        saved.version = item.version();
        saved.queue = queue;
        return visit(saved);
    });
}

// One that cannot stay is told to the sink as one that was here and has left: what was not known
// to the peer must not be forgotten by both sides (rules R5 and R15).
RestoreOutcome Shard::restore(const SavedItem& saved, const Key& key, const Now& now,
                              Supply& supply) noexcept {
    clock_.pass(saved.version);
    if (saved.version <= table_.flush_version()) return RestoreOutcome::gone;
    Storing storing(key);
    storing.version = saved.version;
    storing.cause = Cause::restored;
    storing.queue = saved.queue;
    storing.value.front = saved.value;
    const bool is_past = saved.expiry.is_past(now.tick());
    for (;;) {
        if (table_.find(key) != nullptr) return RestoreOutcome::gone;
        storing.form = ItemForm(saved);
        storing.form.key = key.bytes;
        Stored stored = Stored::failed;
        if (!is_past && !exceeds_limit(storing.form, saved.value.size()))
            stored = store(storing, now, supply);
        if (stored == Stored::again) continue;
        if (stored == Stored::done) return RestoreOutcome::restored;
        if (stored == Stored::lacking) return RestoreOutcome::no_memory;
        const Version version = saved.version;
        (void)sink_.on_change(number_, {key, 0, version, version, Cause::restored});
        const Cause cause = is_past ? Cause::expired : Cause::evicted;
        (void)sink_.on_change(number_, {key, version, 0, version, cause});
        return is_past ? RestoreOutcome::gone : RestoreOutcome::no_memory;
    }
}

}  // namespace twincached::storage
