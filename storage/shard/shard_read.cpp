// What clients and walks read of a shard.

#include "storage/shard/shard.hpp"

#include <array>
#include <cstddef>
#include <optional>

namespace twincached::storage {

ReadResult Shard::get(const Key& key, const Now& now, ItemVisitor visit) noexcept {
    const Found found = find_live(key, now);
    if (found.item == nullptr) return {found.miss, {}};
    const ItemView item = view(*found.item, key.hash);
    if (found.item->mark_access(now.tick())) tell_hint(*found.item, key);
    visit(item);
    return {};
}

// A stub is this node's own affair.
void Shard::tell_hint(const Item& item, const Key& key) noexcept {
    if (!item.is_stub()) sink_.on_hint(number_, key.hash);
}

ReadResult Shard::read(const Key& key, const Now& now, const Read& request, ReadVisitor visit,
                       Supply& supply) noexcept {
    Found found = find_live(key, now);
    const Miss miss = found.miss;
    ReadMarks marks;
    ReadResult result;
    if (found.item == nullptr) {
        if (!request.vivify) return {miss, {}};
        Storing storing(key);
        Stored stored;
        do {
            stored = vivify(storing, request, now, supply);
        } while (stored == Stored::again);
        if (stored != Stored::done) return {miss, {}};
        found.item = storing.old;
        marks.expiry_before = *request.vivify;
        marks.recache = Recache::won;
        marks.vivified = true;
    } else {
        marks.expiry_before = found.item->expiry();
        if (request.claims_recache) marks.recache = claim_recache(*found.item, request, now.tick());
        if (request.touch) result.ticket = touch_item(*found.item, key, *request.touch, now);
    }
    const ItemView item = view(*found.item, key.hash);  // as it was before this access
    if (!request.leave_no_mark && found.item->mark_access(now.tick())) tell_hint(*found.item, key);
    visit(item, marks);
    return result;
}

// An empty item that holds the key's place while the one reader who is told so fetches the value.
// It is this node's own affair: version 0, not replicated, and any write replaces it.
Shard::Stored Shard::vivify(Storing& storing, const Read& request, const Now& now,
                            Supply& supply) noexcept {
    storing.form = form_of(storing.key, now);
    storing.form.expiry = *request.vivify;
    storing.form.birth = clock_.next_write(now.version_ms);
    storing.form.explicit_cas = request.explicit_cas.value_or(cas_of(storing.form.birth));
    storing.form.won = true;
    storing.version = 0;
    storing.old = nullptr;
    const Stored stored = store(storing, now, supply);
    if (stored == Stored::failed)
        table_.count_no_memory(accounted_bytes(storing.key.bytes.size(), 0, 0));
    return stored;
}

// Of all readers of a stale or soon expiring item one is told to recache it, the others that
// somebody does.
Recache Shard::claim_recache(Item& item, const Read& request, Tick now) noexcept {
    if (item.is_won()) return Recache::already_won;
    const auto left = item.expiry().seconds_left(now);
    const bool soon = request.recache_below && left && *left < *request.recache_below;
    if (!item.is_stale() && !soon) return Recache::not_needed;
    item.set_won(true);
    return Recache::won;
}

ReadResult Shard::touch(const Key& key, const Now& now, Expiry expiry) noexcept {
    const Found found = find_live(key, now);
    if (found.item == nullptr) return {found.miss, {}};
    if (found.item->mark_access(now.tick())) tell_hint(*found.item, key);
    return {Miss::none, touch_item(*found.item, key, expiry, now)};
}

bool Shard::peek(const Key& key, const Now& now, ItemVisitor visit) noexcept {
    Item* item = table_.find(key);
    if (item == nullptr || !is_live(*item, now.tick())) return false;
    visit(view(*item, key.hash));
    return true;
}

void Shard::prefetch(std::span<const std::uint64_t> hashes) const noexcept {
    for (const auto hash : hashes)
        table_.prefetch_bucket(hash);
    for (const auto hash : hashes)
        table_.prefetch_item(hash);
}

bool Shard::peek_hash(std::uint64_t hash, const Now& now, ItemVisitor visit) noexcept {
    bool any = false;
    Item* expired = nullptr;
    table_.find_hash(hash, [&](Item& item) {
        if (is_live(item, now.tick())) {
            any = true;
            visit(view(item, hash));
        } else if (!table_.is_flushed(item)) {
            expired = &item;
        }
    });
    if (expired != nullptr) table_.drop(expired, hash, Cause::expired, now.tick());
    return any;
}

std::optional<std::uint64_t> Shard::visit(std::uint64_t hash, const Now& now,
                                          ItemVisitor visit) noexcept {
    return table_.visit(hash, [&](Item& item, std::uint64_t item_hash) {
        if (item_hash >= hash && is_live(item, now.tick())) visit(view(item, item_hash));
    });
}

void Shard::visit_bucket(BucketNumber bucket, const Now& now, ItemVisitor visit) noexcept {
    // Nothing may leave the index while it is being visited.
    struct Dead {
        Item* item;
        std::uint64_t hash;
    };
    std::array<Dead, 32> expired;
    for (bool first = true;; first = false) {
        std::size_t count = 0;
        std::optional<std::uint64_t> hash = std::uint64_t{bucket} << 48;
        while (hash && bucket_of(*hash) == bucket) {
            const std::uint64_t from = *hash;
            hash = table_.visit(from, [&](Item& item, std::uint64_t item_hash) {
                if (item_hash < from || bucket_of(item_hash) != bucket) return;
                if (is_live(item, now.tick())) {
                    if (first) visit(view(item, item_hash));
                } else if (!table_.is_flushed(item) && count < expired.size()) {
                    expired[count++] = {&item, item_hash};
                }
            });
        }
        for (std::size_t i = 0; i < count; ++i)
            table_.drop(expired[i].item, expired[i].hash, Cause::expired, now.tick());
        if (count < expired.size()) return;
    }
}

}  // namespace twincached::storage
