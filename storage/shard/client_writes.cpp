#include "storage/shard/client_writes.hpp"

#include "storage/numeric.hpp"

#include <algorithm>
#include <cstring>

namespace twincached::storage {

namespace {

WriteResult refusal(WriteOutcome outcome) noexcept {
    WriteResult result;
    result.outcome = outcome;
    return result;
}

RemoveResult refusal(RemoveOutcome outcome) noexcept {
    RemoveResult result;
    result.outcome = outcome;
    return result;
}

ArithmeticResult refusal(ArithmeticOutcome outcome) noexcept {
    ArithmeticResult result;
    result.outcome = outcome;
    return result;
}

// What is too large for a slab is no number, as what is chunked is none for memcached.
std::optional<std::uint64_t> number_in(const Item& item, const Arena& arena) noexcept {
    if (item.is_large()) return std::nullopt;
    return parse_numeric_value({arena.value_of(item), item.value_bytes()});
}

bool joins_values(const Write& request) noexcept {
    return request.mode == WriteMode::append || request.mode == WriteMode::prepend;
}

enum class Verdict : std::uint8_t { store, store_stale, not_stored, exists, not_found };

// By what the key holds, before a byte is moved.
Verdict judge(const Write& request, const Item* old) noexcept {
    const bool joins = joins_values(request);
    if (old == nullptr) {
        if (joins) return request.vivify ? Verdict::store : Verdict::not_stored;
        if (request.mode == WriteMode::add) return Verdict::store;
        if (request.compare_cas) return Verdict::not_found;
        return request.mode == WriteMode::set ? Verdict::store : Verdict::not_stored;
    }
    if (request.mode == WriteMode::add) return Verdict::not_stored;
    if (!request.compare_cas || *request.compare_cas == old->cas()) return Verdict::store;
    // An older token: what it brings is better than nothing, but it is not the newest.
    if (request.invalidate && !joins && *request.compare_cas < old->cas())
        return Verdict::store_stale;
    return Verdict::exists;
}

WriteResult success(const Storing& storing) noexcept {
    const Item& item = *storing.old;
    return {WriteOutcome::stored, item.cas(), item.value_bytes(), item.expiry(), storing.ticket};
}

}  // namespace

// --- storing -----------------------------------------------------------------------------------

// Judged anew in every round: making room may have evicted the very item that was judged.
WriteResult ClientWrites::write(const Key& key, const Now& now, const Write& request,
                                MemoryGrant& grant) noexcept {
    items_.sink().prefetch(items_.number(), key.hash);
    Storing storing(key);
    for (;;) {
        storing.old = items_.find_live(key, now).item;
        const Verdict verdict = judge(request, storing.old);
        switch (verdict) {
            case Verdict::not_stored:
                // Somebody wanted it there: that counts, though nobody has fetched it.
                if (storing.old != nullptr && storing.old->mark_use(now.tick()))
                    items_.tell_hint(*storing.old, key);
                return {};
            case Verdict::exists:
                return refusal(WriteOutcome::exists);
            case Verdict::not_found:
                return refusal(WriteOutcome::not_found);
            case Verdict::store:
            case Verdict::store_stale:
                break;
        }
        compose(storing, request, verdict == Verdict::store_stale, now);
        if (storing.form.expiry.is_past(now.tick())) {
            const Version version = items_.clock().next_write(now.version_ms);
            WriteResult result = refusal(WriteOutcome::stored);
            result.cas = cas_of(version);
            result.size = storing.value.bytes();
            result.expiry = storing.form.expiry;
            result.ticket = items_.remove(key, storing.old, version, Cause::local_delete);
            return result;
        }
        if (items_.exceeds_limit(storing.form, storing.value.bytes()))
            return fail_write(storing, request, WriteOutcome::too_large, now);
        if (extend_extent(storing, request)) storing.value.is_kept = true;
        switch (items_.store(storing, now, grant)) {
            case Stored::done:
                return success(storing);
            case Stored::again:
                continue;
            case Stored::lacking:
                return refusal(WriteOutcome::no_memory);
            case Stored::failed:
                storing.old = items_.table().find(key);  // it may have moved or gone meanwhile
                return fail_write(storing, request, WriteOutcome::no_memory, now);
        }
    }
}

// The frequency is the key's, not the value's: what is in demand stays so when it is written over.
void ClientWrites::compose(Storing& storing, const Write& request, bool stale,
                           const Now& now) noexcept {
    const Item* old = storing.old;
    storing.value = {};
    storing.form = form_of(storing.key, now.tick());
    ItemForm& form = storing.form;
    form.explicit_cas = request.explicit_cas;
    if (old != nullptr) form.frequency = static_cast<std::uint8_t>(old->frequency());
    if (joins_values(request)) {
        join_values(storing, request);
        return;
    }
    storing.value.front = request.value;
    form.client_flags = request.client_flags;
    form.expiry = request.expiry;
    form.binary_key = request.binary_key;
    if (!stale) return;
    form.expiry = old->expiry();
    form.stale = true;
    form.won = old->is_won();
}

// Flags and expiry stay those of the item that grows.
void ClientWrites::join_values(Storing& storing, const Write& request) noexcept {
    ItemForm& form = storing.form;
    const Item* old = storing.old;
    if (old == nullptr) {
        storing.value.front = request.value;
        form.client_flags = request.client_flags;
        form.expiry = *request.vivify;
        form.binary_key = request.binary_key;
        return;
    }
    form.client_flags = old->client_flags();
    form.expiry = old->expiry();
    form.binary_key = old->has_binary_key();
    const std::string_view held(items_.table().arena().value_of(*old), old->value_bytes());
    const bool appends = request.mode == WriteMode::append;
    storing.value.front = appends ? held : request.value;
    storing.value.back = appends ? request.value : held;
    storing.value.aliases_old = true;
}

// A large value with room behind it grows where it lies. Whoever has pinned it keeps seeing what
// was there: only bytes beyond the end are written.
bool ClientWrites::extend_extent(Storing& storing, const Write& request) noexcept {
    const Item* old = storing.old;
    if (old == nullptr || !old->is_large() || request.mode != WriteMode::append) return false;
    const std::uint64_t bytes = storing.value.bytes();
    if (items_.extents().capacity(old->extent()) < bytes) return false;
    if (!request.value.empty())
        std::memcpy(items_.extents().data(old->extent()) + old->value_bytes(), request.value.data(),
                    request.value.size());
    storing.form.value_bytes = bytes;
    return true;
}

// Nobody shall read a value that a client meant to replace; one that was only to grow, stays as it
// is, and that it did not grow is all that memcached says then, whatever the reason.
WriteResult ClientWrites::fail_write(const Storing& storing, const Write& request,
                                     WriteOutcome outcome, const Now& now) noexcept {
    const ItemForm& form = storing.form;
    if (outcome == WriteOutcome::no_memory)
        items_.books().count_no_memory(
            accounted_bytes(form.key.size(), storing.value.bytes(), form.client_flags));
    WriteResult result = refusal(outcome);
    if (joins_values(request)) {
        if (storing.old != nullptr) result.outcome = WriteOutcome::not_stored;
        return result;
    }
    result.ticket = items_.remove(storing.key, storing.old,
                                  items_.clock().next_write(now.version_ms), Cause::local_delete);
    return result;
}

// With a version of its own, so that other nodes drop the old value, too.
void ClientWrites::drop_failed_write(const Key& key, const Now& now) noexcept {
    (void)items_.remove(key, items_.table().find(key), items_.clock().next_write(now.version_ms),
                        Cause::local_delete);
}

// --- arithmetic --------------------------------------------------------------------------------

ArithmeticResult ClientWrites::add(const Key& key, const Now& now, const Arithmetic& request,
                                   MemoryGrant& grant) noexcept {
    Storing storing(key);
    NumberText text;
    for (;;) {
        ArithmeticResult result;
        Item* old = storing.old = items_.find_live(key, now).item;
        if (old == nullptr) {
            if (!request.vivify) return result;
            result.number = request.initial;
            result.vivified = true;
            storing.form = form_of(key, now.tick());
            storing.form.expiry = *request.vivify;
        } else {
            if (request.compare_cas && *request.compare_cas != old->cas())
                return refusal(ArithmeticOutcome::exists);
            const auto number = number_in(*old, items_.table().arena());
            if (!number) return refusal(ArithmeticOutcome::non_numeric);
            result.number = request.decrement ? *number - std::min(*number, request.delta)
                                              : *number + request.delta;
            if (old->mark_use(now.tick())) items_.tell_hint(*old, key);
            storing.form = form_of(key, *old);
            if (request.touch) storing.form.expiry = *request.touch;
        }
        storing.form.explicit_cas = request.explicit_cas;
        // A shorter number keeps the length of the old value, padded with blanks.
        storing.value.front = text.write(result.number);
        const std::uint64_t digits = storing.value.front.size();
        storing.value.blanks =
            old != nullptr && old->value_bytes() > digits ? old->value_bytes() - digits : 0;
        switch (items_.store(storing, now, grant)) {
            case Stored::done:
                break;
            case Stored::again:
                continue;
            case Stored::lacking:
                return refusal(ArithmeticOutcome::no_memory);
            case Stored::failed:
                items_.books().count_no_memory(accounted_bytes(
                    key.bytes.size(), storing.value.bytes(), storing.form.client_flags));
                return refusal(ArithmeticOutcome::no_memory);
        }
        result.outcome = ArithmeticOutcome::done;
        result.cas = storing.old->cas();
        result.expiry = storing.old->expiry();
        result.ticket = storing.ticket;
        return result;
    }
}

// --- removing ----------------------------------------------------------------------------------

RemoveResult ClientWrites::remove(const Key& key, const Now& now, const Remove& request,
                                  MemoryGrant& grant) noexcept {
    Storing storing(key);
    for (;;) {
        Item* old = storing.old = items_.find_live(key, now).item;
        // With a token on a miss nothing is meant that another node could have.
        if (old == nullptr && request.compare_cas) return {};
        if (old != nullptr && request.compare_cas && *request.compare_cas != old->cas())
            return refusal(RemoveOutcome::exists);
        RemoveResult result;
        if (old != nullptr) {
            result.outcome = RemoveOutcome::removed;
            result.size = old->value_bytes();
            result.accounted = accounted_bytes(key.bytes.size(), result.size, old->client_flags());
        }
        // A delete of what is absent is told all the same: another node may have it.
        const bool changes = old != nullptr && (request.invalidate || request.clear);
        const Stored stored = changes ? change(storing, request, now, grant) : Stored::failed;
        switch (stored) {
            case Stored::done:
                result.ticket = storing.ticket;
                return result;
            case Stored::again:
                continue;
            case Stored::lacking:
                return {};
            case Stored::failed:  // or nothing but a delete: then an item less is the answer
                result.ticket =
                    items_.remove(key, items_.table().find(key),
                                  items_.clock().next_write(now.version_ms), Cause::local_delete);
                return result;
        }
    }
}

// md I and md x: the item stays, but is stale, or empty.
Stored ClientWrites::change(Storing& storing, const Remove& request, const Now& now,
                            MemoryGrant& grant) noexcept {
    storing.form = form_of(storing.key, *storing.old);
    storing.value = {};
    storing.value.is_kept = !request.clear;
    ItemForm& form = storing.form;
    form.explicit_cas = request.explicit_cas;
    form.stale = request.invalidate;
    form.won = false;
    if (request.clear) {
        form.client_flags = 0;
        form.expiry = Expiry::never();
    }
    if (request.invalidate && request.touch) form.expiry = *request.touch;
    return items_.store(storing, now, grant);
}

}  // namespace twincached::storage
