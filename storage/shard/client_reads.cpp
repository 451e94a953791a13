#include "storage/shard/client_reads.hpp"

namespace twincached::storage {

namespace {

bool wants_recache(const Item& item, const Read& request, Tick now) noexcept {
    if (item.is_stale() || !request.recache_below) return item.is_stale();
    const auto expiry =
        request.touches_first ? request.touch.value_or(item.expiry()) : item.expiry();
    const auto left = expiry.seconds_left(now);
    return left && *left < *request.recache_below;
}

// Of all readers of a stale or soon expiring item one is told to recache it, the others that
// somebody does.
Recache claim_recache(Item& item) noexcept {
    if (item.is_won()) return Recache::already_won;
    item.set_won(true);
    return Recache::won;
}

}  // namespace

// As it was before this access.
inline void ClientReads::show(Item& item, const Reading& reading, const ReadMarks& marks) noexcept {
    const auto& [key, now, request, visit] = reading;
    const ItemView view = items_.view(item, key.hash);
    if (!request.leave_no_mark && item.mark_access(now.tick())) items_.tell_hint(item, key);
    visit(view, marks);
}

inline ReadResult ClientReads::read_found(Item& item, const Reading& reading) noexcept {
    const auto& [key, now, request, visit] = reading;
    ReadMarks marks{item.expiry()};
    if (request.claims_recache) {
        const bool claims = item.is_won() || wants_recache(item, request, now.tick());
        if (claims && request.defers_claims) return {Miss::none, {}, true};
        if (claims) marks.recache = claim_recache(item);
    }
    ReadResult result;
    Item* found = &item;
    if (request.touch) result.ticket = items_.touch(found, key, *request.touch, now);
    if (found == nullptr) return {Miss::absent, {}};
    show(*found, reading, marks);
    return result;
}

ReadResult ClientReads::get(const Key& key, const Now& now, const Read& request,
                            ReadVisitor visit) noexcept {
    const ShardItems::Found found = items_.find_live(key, now);
    if (found.item == nullptr) return {found.miss, {}};
    return read_found(*found.item, {key, now, request, visit});
}

ReadResult ClientReads::read(const Key& key, const Now& now, const Read& request, ReadVisitor visit,
                             MemoryGrant& grant) noexcept {
    const ShardItems::Found found = items_.find_live(key, now);
    if (found.item != nullptr) return read_found(*found.item, {key, now, request, visit});
    if (!request.vivify) return {found.miss, {}};
    if (request.defers_claims) return {found.miss, {}, true};
    Storing storing(key);
    Stored stored;
    do {
        stored = vivify(storing, request, now, grant);
    } while (stored == Stored::again);
    if (stored != Stored::done) return {found.miss, {}};
    show(*storing.old, {key, now, request, visit}, {*request.vivify, Recache::won, true});
    return {};
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
    ShardItems::Found found = items_.find_live(key, now);
    if (found.item == nullptr) return {found.miss, {}};
    if (found.item->mark_access(now.tick())) items_.tell_hint(*found.item, key);
    const Ticket ticket = items_.touch(found.item, key, expiry, now);
    return {found.item != nullptr ? Miss::none : Miss::absent, ticket};
}

}  // namespace twincached::storage
