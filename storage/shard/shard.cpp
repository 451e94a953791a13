#include "storage/shard/shard.hpp"

#include <algorithm>
#include <array>
#include <cstddef>

namespace twincached::storage {

namespace {

// How many steps of eviction one large record may cost while the lock is held.
constexpr unsigned eviction_steps = 8;
// Of an index that is gone through in steps: what one of them covers.
constexpr unsigned buckets_at_once = 64;

}  // namespace

// The newest version that anybody here knows of the key (rule R4). A stub counts as absent, and so
// does what is flushed or expired and merely not swept away yet: what the bucket remembers of drops
// must weigh then as it does when the item has gone.
Version Shard::known_version(const Key& key, const Item* held, Tick now) noexcept {
    const Version version = held != nullptr ? held->version() : 0;
    const bool present = version != 0 && items_.is_live(*held, now);
    const Version sink = items_.sink().known_version(items_.number(), key, present);
    return std::max({version, sink, items_.table().flush_version()});
}

// The last try, with the lock held: by then room has been made elsewhere as far as that goes. A
// record that finds none is refused, and the peer is told so with the acknowledgement.
ApplyOutcome Shard::apply(const Record& record, const Now& now) noexcept {
    MemoryGrant grant;
    grant.is_final = true;
    if (record.value.size() > items_.limits().large_value) {
        grant.extent = items_.extents().allocate(record.value.size());
        for (unsigned step = 0; grant.extent == 0 && step < eviction_steps; ++step) {
            (void)items_.evictor().evict_some(record.value.size(), step / 2, now.tick());
            (void)items_.extents().collect();
            grant.extent = items_.extents().allocate(record.value.size());
        }
    }
    const ApplyOutcome outcome = apply(record, now, grant);
    if (grant.extent != 0) items_.extents().release(grant.extent);
    return outcome;
}

// Rule R4. The loop is entered again when making room has moved or evicted what was looked up.
ApplyOutcome Shard::apply(const Record& record, const Now& now, MemoryGrant& grant) noexcept {
    items_.clock().observe(record.version);
    Storing storing(record.key);
    storing.version = record.version;
    storing.cause = Cause::remote;
    if (record.cold) storing.queue = Queue::fresh;
    for (;;) {
        if (record.version <=
            known_version(record.key, items_.table().find(record.key), now.tick()))
            return ApplyOutcome::outdated;
        Item* old = storing.old = items_.find_live(record.key, now).item;
        storing.form = form_of(record.key, now.tick());
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
        if (!is_past && !items_.exceeds_limit(form, record.value.size()))
            stored = items_.store(storing, now, grant);
        if (stored == Stored::again) continue;
        if (stored == Stored::done) return ApplyOutcome::applied;
        if (stored == Stored::lacking) return ApplyOutcome::no_memory;
        // A newer one exists, even if it cannot lie here: the older one must not be read.
        (void)items_.remove(record.key, items_.table().find(record.key), record.version,
                            Cause::remote);
        if (is_past) return ApplyOutcome::applied;
        items_.books().count_no_memory(
            accounted_bytes(record.key.bytes.size(), record.value.size(), record.client_flags));
        return ApplyOutcome::no_memory;
    }
}

// Also of a key that is absent here: the log remembers it, so that an older set which is still on
// its way is found to be older.
ApplyOutcome Shard::apply_delete(const Key& key, Version version, const Now& now) noexcept {
    items_.clock().observe(version);
    const Item* held = items_.table().find(key);
    if (version <= known_version(key, held, now.tick())) return ApplyOutcome::outdated;
    (void)items_.remove(key, items_.find_live(key, now).item, version, Cause::remote);
    return ApplyOutcome::applied;
}

// A touch is a newer version of one write, and means nothing to another: then the caller asks for
// the item. True: nothing is left to do.
bool Shard::apply_touch(const Key& key, Version version, Expiry expiry, const Now& now) noexcept {
    items_.clock().observe(version);
    if (version <= known_version(key, items_.table().find(key), now.tick())) return true;
    Item* item = items_.find_live(key, now).item;
    if (item == nullptr || write_of(item->version()) != write_of(version)) return false;
    const Version before = item->version();
    item = items_.with_expiry(item, key, expiry, now);
    if (item == nullptr) return false;
    item->set_version(version);
    (void)items_.tell({key, before, version, version, Cause::remote});
    return true;
}

void Shard::apply_hint(std::uint64_t hash, const Now& now) noexcept {
    items_.table().find_hash(hash, [&](Item& item) {
        if (items_.is_live(item, now.tick())) (void)item.raise_frequency();
    });
}

// Without a floor: it is the peer who knows better, and what it has is to come.
void Shard::drop_in_doubt(const Key& key, const Now& now) noexcept {
    Item* item = items_.table().find(key);
    if (item != nullptr) items_.drop(*item, key.hash, Cause::in_doubt, now.tick());
}

// Nothing may leave the index while it is being visited. What did not fit into one visit of an
// index bucket is found by the next one.
template <class IsMeant>
std::optional<std::uint64_t> Shard::drop_some(std::uint64_t hash, Cause cause, const Now& now,
                                              IsMeant is_meant) noexcept {
    struct Doomed {
        Item* item;
        std::uint64_t hash;
    };
    std::array<Doomed, 64> found;
    std::optional<std::uint64_t> next = hash;
    for (unsigned i = 0; i < buckets_at_once && next; ++i) {
        std::size_t count = 0;
        const auto beyond = items_.table().visit(*next, [&](Item& item, std::uint64_t item_hash) {
            if (is_meant(item) && count < found.size()) found[count++] = {&item, item_hash};
        });
        for (std::size_t f = 0; f < count; ++f)
            items_.drop(*found[f].item, found[f].hash, cause, now.tick());
        if (count < found.size()) next = beyond;
    }
    return next;
}

std::optional<std::uint64_t> Shard::disown_some(std::uint64_t hash, const Now& now) noexcept {
    return drop_some(hash, Cause::disowned, now, [](const Item&) { return true; });
}

std::optional<std::uint64_t> Shard::drop_some_flushed(std::uint64_t hash, const Now& now) noexcept {
    return drop_some(hash, Cause::flushed, now,
                     [&](const Item& item) { return items_.table().is_flushed(item); });
}

std::optional<std::uint64_t> Shard::correct_some(std::uint64_t hash,
                                                 const ClockLead& lead) noexcept {
    std::optional<std::uint64_t> next = hash;
    for (unsigned i = 0; i < buckets_at_once && next; ++i) {
        next = items_.table().visit(*next, [&](Item& item, std::uint64_t item_hash) {
            items_.correct(item, item_hash, lead.corrected(item.version()));
        });
    }
    return next;
}

// --- looking up --------------------------------------------------------------------------------

// What is flushed or expired is absent, but stays until someone asks for it as a client, or upkeep
// passes: a look changes nothing.
bool Shard::peek(const Key& key, const Now& now, ItemVisitor visit) noexcept {
    Item* item = items_.table().find(key);
    if (item == nullptr || !items_.is_live(*item, now.tick())) return false;
    visit(items_.view(*item, key.hash));
    return true;
}

void Shard::prefetch(std::span<const std::uint64_t> hashes) const noexcept {
    for (const auto hash : hashes)
        items_.table().prefetch_bucket(hash);
    for (const auto hash : hashes)
        items_.table().prefetch_item(hash);
}

bool Shard::peek_hash(std::uint64_t hash, const Now& now, ItemVisitor visit) noexcept {
    bool any = false;
    Item* expired = nullptr;
    items_.table().find_hash(hash, [&](Item& item) {
        if (items_.is_live(item, now.tick())) {
            any = true;
            visit(items_.view(item, hash));
        } else if (!items_.table().is_flushed(item)) {
            expired = &item;
        }
    });
    if (expired != nullptr) items_.drop(*expired, hash, Cause::expired, now.tick());
    return any;
}

std::optional<std::uint64_t> Shard::visit(std::uint64_t hash, const Now& now,
                                          ItemVisitor visit) noexcept {
    return items_.table().visit(hash, [&](Item& item, std::uint64_t item_hash) {
        if (item_hash >= hash && items_.is_live(item, now.tick()))
            visit(items_.view(item, item_hash));
    });
}

std::optional<std::uint64_t> Shard::visit_bucket_step(std::uint64_t hash, const Now& now,
                                                      ItemVisitor visit) noexcept {
    struct Dead {
        Item* item;
        std::uint64_t hash;
    };
    std::array<Dead, 32> expired;
    const BucketNumber bucket = bucket_of(hash);
    std::optional<std::uint64_t> next;
    // Nothing may leave the index while it is being visited.
    for (bool first = true;; first = false) {
        std::size_t count = 0;
        next = items_.table().visit(hash, [&](Item& item, std::uint64_t item_hash) {
            if (item_hash < hash || bucket_of(item_hash) != bucket) return;
            if (items_.is_live(item, now.tick())) {
                if (first) visit(items_.view(item, item_hash));
            } else if (!items_.table().is_flushed(item) && count < expired.size()) {
                expired[count++] = {&item, item_hash};
            }
        });
        for (std::size_t i = 0; i < count; ++i)
            items_.drop(*expired[i].item, expired[i].hash, Cause::expired, now.tick());
        if (count < expired.size()) break;
    }
    return next && bucket_of(*next) == bucket ? next : std::nullopt;
}

void Shard::visit_bucket(BucketNumber bucket, const Now& now, ItemVisitor visit) noexcept {
    std::optional<std::uint64_t> hash = std::uint64_t{bucket} << 48;
    while (hash)
        hash = visit_bucket_step(*hash, now, visit);
}

}  // namespace twincached::storage
