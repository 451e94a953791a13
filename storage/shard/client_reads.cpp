#include "storage/shard/client_reads.hpp"

namespace twincached::storage {

namespace {

bool wants_recache(const Item& item, const Read& request, Tick now) noexcept {
    const auto left = item.expiry().seconds_left(now);
    return item.is_stale() || (request.recache_below && left && *left < *request.recache_below);
}

// Of all readers of a stale or soon expiring item one is told to recache it, the others that
// somebody does.
Recache claim_recache(Item& item, const Read& request, Tick now) noexcept {
    if (item.is_won()) return Recache::already_won;
    if (!wants_recache(item, request, now)) return Recache::not_needed;
    item.set_won(true);
    return Recache::won;
}

}  // namespace

ReadResult ClientReads::get(const Key& key, const Now& now, ItemVisitor visit) noexcept {
    const ShardItems::Found found = items_.find_live(key, now);
    if (found.item == nullptr) return {found.miss, {}};
    const ItemView item = items_.view(*found.item, key.hash);
    if (found.item->mark_access(now.tick())) items_.tell_hint(*found.item, key);
    visit(item);
    return {};
}

ReadResult ClientReads::read(const Key& key, const Now& now, const Read& request, ReadVisitor visit,
                             MemoryGrant& grant) noexcept {
    ShardItems::Found found = items_.find_live(key, now);
    const Miss miss = found.miss;
    ReadMarks marks;
    ReadResult result;
    if (found.item == nullptr) {
        if (!request.vivify) return {miss, {}};
        if (request.defers_claims) return {miss, {}, true};
        Storing storing(key);
        Stored stored;
        do {
            stored = vivify(storing, request, now, grant);
        } while (stored == Stored::again);
        if (stored != Stored::done) return {miss, {}};
        found.item = storing.old;
        marks.expiry_before = *request.vivify;
        marks.recache = Recache::won;
        marks.vivified = true;
    } else if (request.defers_claims && request.claims_recache &&
               (found.item->is_won() || wants_recache(*found.item, request, now.tick()))) {
        return {miss, {}, true};
    } else {
        marks.expiry_before = found.item->expiry();
        if (request.claims_recache) marks.recache = claim_recache(*found.item, request, now.tick());
        if (request.touch) result.ticket = items_.touch(*found.item, key, *request.touch, now);
    }
    const ItemView item = items_.view(*found.item, key.hash);  // as it was before this access
    if (!request.leave_no_mark && found.item->mark_access(now.tick()))
        items_.tell_hint(*found.item, key);
    visit(item, marks);
    return result;
}

// An empty item that holds the key's place while the one reader who is told so fetches the value.
// It is this node's own affair: version 0, not replicated, and any write replaces it.
Stored ClientReads::vivify(Storing& storing, const Read& request, const Now& now,
                           MemoryGrant& grant) noexcept {
    storing.form = form_of(storing.key, now.tick());
    storing.form.expiry = *request.vivify;
    storing.form.birth = items_.clock().next_write(now.version_ms);
    storing.form.explicit_cas = request.explicit_cas.value_or(cas_of(storing.form.birth));
    storing.form.won = true;
    storing.version = 0;
    storing.old = nullptr;
    const Stored stored = items_.store(storing, now, grant);
    if (stored == Stored::failed)
        items_.books().count_no_memory(accounted_bytes(storing.key.bytes.size(), 0, 0));
    return stored;
}

ReadResult ClientReads::touch(const Key& key, const Now& now, Expiry expiry) noexcept {
    const ShardItems::Found found = items_.find_live(key, now);
    if (found.item == nullptr) return {found.miss, {}};
    if (found.item->mark_access(now.tick())) items_.tell_hint(*found.item, key);
    return {Miss::none, items_.touch(*found.item, key, expiry, now)};
}

}  // namespace twincached::storage
