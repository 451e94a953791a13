#include "storage/shard/shard_restart.hpp"

#include <algorithm>

namespace twincached::storage {

// What has expired goes along: the sink of the store to come must be told of it. What was flushed
// does not, for the flush itself is remembered; nor do stubs, which nobody was told of.
bool ShardRestart::save(SavedItemVisitor visit) noexcept {
    return items_.table().arena().visit_by_age([&](const Item& item, Queue queue) {
        if (item.is_stub() || items_.table().is_flushed(item)) return true;
        SavedItem saved(item.state());
        saved.key = item.key();
        saved.value = {items_.table().arena().value_of(item), item.value_bytes()};
        saved.version = item.version();
        saved.queue = queue;
        return visit(saved);
    });
}

// One that cannot stay is told to the sink as one that was here and has left: what was not known
// to another node must not be forgotten by both sides (rules R5 and R15).
RestoreOutcome ShardRestart::restore(const SavedItem& saved, const Key& key, const Now& now,
                                     MemoryGrant& grant) noexcept {
    items_.clock().pass(saved.version);
    if (saved.version <= items_.table().flush_version()) return RestoreOutcome::gone;
    Storing storing(key);
    storing.version = saved.version;
    storing.cause = Cause::restored;
    storing.queue = saved.queue;
    storing.value.front = saved.value;
    const bool is_past = saved.expiry.is_past(now.tick());
    for (;;) {
        if (items_.table().find(key) != nullptr) return RestoreOutcome::gone;
        storing.form = ItemForm(saved);
        storing.form.key = key.bytes;
        // Where the bytes come from is not asked; nothing was used later than now.
        storing.form.last_access = std::min(saved.last_access, now.tick());
        Stored stored = Stored::failed;
        if (!is_past && !items_.exceeds_limit(storing.form, saved.value.size()))
            stored = items_.store(storing, now, grant);
        if (stored == Stored::again) continue;
        if (stored == Stored::done) return RestoreOutcome::restored;
        if (stored == Stored::lacking) return RestoreOutcome::no_memory;
        const Version version = saved.version;
        (void)items_.tell({key, 0, version, version, Cause::restored});
        const Cause cause = is_past ? Cause::expired : Cause::evicted;
        (void)items_.tell({key, version, 0, version, cause});
        return is_past ? RestoreOutcome::gone : RestoreOutcome::no_memory;
    }
}

}  // namespace twincached::storage
