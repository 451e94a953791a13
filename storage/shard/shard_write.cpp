// What clients change in a shard: storing, removing, counting.

#include "storage/numeric.hpp"
#include "storage/shard/shard.hpp"

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

}  // namespace

// --- storing -----------------------------------------------------------------------------------

WriteResult Shard::write(const Key& key, const Now& now, const Write& request,
                         Supply& supply) noexcept {
    sink_.prefetch(number_, key.hash);
    Storing storing(key);
    for (;;) {
        storing.old = find_live(key, now).item;
        const Verdict verdict = judge(request, storing.old);
        switch (verdict) {
            case Verdict::not_stored:
                // Somebody wanted it there: that counts, though nobody has fetched it.
                if (storing.old != nullptr && storing.old->mark_use(now.tick()))
                    tell_hint(*storing.old, key);
                return {};
            case Verdict::exists:
                return refusal(WriteOutcome::exists);
            case Verdict::not_found:
                return refusal(WriteOutcome::not_found);
            case Verdict::store:
            case Verdict::store_stale:
                break;
        }
        compose(storing, request, verdict, now);
        if (storing.form.expiry.is_past(now.tick())) {
            const Version version = clock_.next_write(now.version_ms);
            WriteResult result = refusal(WriteOutcome::stored);
            result.cas = cas_of(version);
            result.size = storing.value.bytes();
            result.expiry = storing.form.expiry;
            result.ticket = remove_reported(key, storing.old, version, Cause::local_delete);
            return result;
        }
        if (exceeds_limit(storing.form, storing.value.bytes()))
            return fail_write(storing, request, WriteOutcome::too_large, now);
        if (extend_extent(storing, request)) storing.value.is_kept = true;
        switch (store(storing, now, supply)) {
            case Stored::done:
                return finish_write(storing);
            case Stored::again:
                continue;
            case Stored::lacking:
                return refusal(WriteOutcome::no_memory);
            case Stored::failed:
                storing.old = table_.find(key);  // it may have moved or gone meanwhile
                return fail_write(storing, request, WriteOutcome::no_memory, now);
        }
    }
}

Shard::Verdict Shard::judge(const Write& request, const Item* old) const noexcept {
    const bool joins = request.mode == WriteMode::append || request.mode == WriteMode::prepend;
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

void Shard::compose(Storing& storing, const Write& request, Verdict verdict,
                    const Now& now) noexcept {
    const Item* old = storing.old;
    storing.value = {};
    storing.form = form_of(storing.key, now);
    ItemForm& form = storing.form;
    form.explicit_cas = request.explicit_cas;
    if (old != nullptr) form.frequency = static_cast<std::uint8_t>(old->frequency());
    if (request.mode == WriteMode::append || request.mode == WriteMode::prepend) {
        join_values(storing, request);
        return;
    }
    storing.value.front = request.value;
    form.client_flags = request.client_flags;
    form.expiry = request.expiry;
    form.binary_key = request.binary_key;
    if (verdict != Verdict::store_stale) return;
    form.expiry = old->expiry();
    form.stale = true;
    form.won = old->is_won();
}

void Shard::join_values(Storing& storing, const Write& request) noexcept {
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
    const std::string_view held(table_.value_of(*old), old->value_bytes());
    const bool appends = request.mode == WriteMode::append;
    storing.value.front = appends ? held : request.value;
    storing.value.back = appends ? request.value : held;
    storing.value.aliases_old = true;
}

// A large value with room behind it grows where it lies. Whoever has pinned it keeps seeing what
// was there: only bytes beyond the end are written.
bool Shard::extend_extent(Storing& storing, const Write& request) noexcept {
    const Item* old = storing.old;
    if (old == nullptr || !old->is_large() || request.mode != WriteMode::append) return false;
    const std::uint64_t bytes = storing.value.bytes();
    if (extents_.capacity(old->extent()) < bytes) return false;
    if (!request.value.empty())
        std::memcpy(extents_.data(old->extent()) + old->value_bytes(), request.value.data(),
                    request.value.size());
    storing.form.value_bytes = bytes;
    return true;
}

WriteResult Shard::finish_write(const Storing& storing) const noexcept {
    const Item& item = *storing.old;
    return {WriteOutcome::stored, item.cas(), item.value_bytes(), item.expiry(), storing.ticket};
}

// Nobody shall read a value that a client meant to replace; one that was only to grow, stays.
WriteResult Shard::fail_write(const Storing& storing, const Write& request, WriteOutcome outcome,
                              const Now& now) noexcept {
    const ItemForm& form = storing.form;
    if (outcome == WriteOutcome::no_memory)
        table_.count_no_memory(
            accounted_bytes(form.key.size(), storing.value.bytes(), form.client_flags));
    WriteResult result = refusal(outcome);
    if (request.mode == WriteMode::append || request.mode == WriteMode::prepend) return result;
    result.ticket = remove_reported(storing.key, storing.old, clock_.next_write(now.version_ms),
                                    Cause::local_delete);
    return result;
}

void Shard::drop_failed_write(const Key& key, const Now& now) noexcept {
    (void)remove_reported(key, table_.find(key), clock_.next_write(now.version_ms),
                          Cause::local_delete);
}

// --- arithmetic --------------------------------------------------------------------------------

ArithmeticResult Shard::add(const Key& key, const Now& now, const Arithmetic& request,
                            Supply& supply) noexcept {
    Storing storing(key);
    NumberText text;
    for (;;) {
        ArithmeticResult result;
        Item* old = storing.old = find_live(key, now).item;
        if (old == nullptr) {
            if (!request.vivify) return result;
            result.number = request.initial;
            result.vivified = true;
            storing.form = form_of(key, now);
            storing.form.expiry = *request.vivify;
        } else {
            if (request.compare_cas && *request.compare_cas != old->cas())
                return refusal(ArithmeticOutcome::exists);
            const auto number = parse_numeric_value({table_.value_of(*old), old->value_bytes()});
            if (!number) return refusal(ArithmeticOutcome::non_numeric);
            result.number = request.decrement ? *number - std::min(*number, request.delta)
                                              : *number + request.delta;
            if (old->mark_use(now.tick())) tell_hint(*old, key);
            storing.form = form_of(key, *old);
            if (request.touch) storing.form.expiry = *request.touch;
        }
        storing.form.explicit_cas = request.explicit_cas;
        // A shorter number keeps the length of the old one, padded with blanks.
        storing.value.front = text.write(result.number, old != nullptr ? old->value_bytes() : 0);
        switch (store(storing, now, supply)) {
            case Stored::done:
                break;
            case Stored::again:
                continue;
            case Stored::lacking:
                return refusal(ArithmeticOutcome::no_memory);
            case Stored::failed:
                table_.count_no_memory(accounted_bytes(key.bytes.size(), storing.value.bytes(),
                                                       storing.form.client_flags));
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

RemoveResult Shard::remove(const Key& key, const Now& now, const Remove& request,
                           Supply& supply) noexcept {
    Storing storing(key);
    for (;;) {
        Item* old = storing.old = find_live(key, now).item;
        // With a token on a miss nothing is meant that the peer could have.
        if (old == nullptr && request.compare_cas) return {};
        if (old != nullptr && request.compare_cas && *request.compare_cas != old->cas())
            return refusal(RemoveOutcome::exists);
        RemoveResult result;
        if (old != nullptr) {
            result.outcome = RemoveOutcome::removed;
            result.size = old->value_bytes();
            result.accounted = accounted_bytes(key.bytes.size(), result.size, old->client_flags());
        }
        const bool changes = old != nullptr && (request.invalidate || request.clear);
        const Stored stored = changes ? change(storing, request, now, supply) : Stored::failed;
        switch (stored) {
            case Stored::done:
                result.ticket = storing.ticket;
                return result;
            case Stored::again:
                continue;
            case Stored::lacking:
                return {};
            case Stored::failed:  // or nothing but a delete: then an item less is the answer
                result.ticket = remove_reported(
                    key, table_.find(key), clock_.next_write(now.version_ms), Cause::local_delete);
                return result;
        }
    }
}

// md I and md x: the item stays, but is stale, or empty.
Shard::Stored Shard::change(Storing& storing, const Remove& request, const Now& now,
                            Supply& supply) noexcept {
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
    return store(storing, now, supply);
}

}  // namespace twincached::storage
