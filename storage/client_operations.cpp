#include "storage/client_operations.hpp"

#include "storage/shard/client_reads.hpp"
#include "storage/shard/client_writes.hpp"
#include "storage/shard/shard.hpp"

#include <algorithm>
#include <array>

namespace twincached::storage {

namespace {

// Keys of a multi-get whose memory is asked for at once: as many lines as a core has in flight.
constexpr std::size_t prefetch_distance = 32;

bool joins_values(const Write& request) noexcept {
    return request.mode == WriteMode::append || request.mode == WriteMode::prepend;
}

}  // namespace

// --- reading -----------------------------------------------------------------------------------

// Asked before a value is received, so that one which cannot be stored need not be kept meanwhile.
bool ClientOperations::exceeds_limit(std::size_t key_bytes, std::uint64_t value_bytes,
                                     std::uint32_t client_flags) const noexcept {
    return value_bytes > value_length_limit ||
           accounted_bytes(key_bytes, value_bytes, client_flags) > core_.limits.item_size;
}

ReadResult ClientOperations::get(const Key& key, const Now& now, ItemVisitor visit) noexcept {
    return get_one(key, now, plain_get,
                   [&](const ItemView& item, const ReadMarks&) { visit(item); });
}

// The shortest way to an item: one lock, no memory needed.
ReadResult ClientOperations::get_one(const Key& key, const Now& now, const Read& request,
                                     ReadVisitor visit) noexcept {
    LockedShard& locked = core_.shards.of(key.hash);
    const lib::ForegroundLock lock(locked.mutex);
    return ClientReads(locked.items).get(key, now, request, visit);
}

// A group of keys at a time: first all index lines are asked for, then, under each shard's lock
// once, all items, and only then is one after the other read, from a cache that holds both.
std::size_t ClientOperations::get_many(std::span<const Key> keys, const Now& now,
                                       const Read& request, ManyFound found,
                                       ManyMissed missed) noexcept {
    for (std::size_t i = 0; i < keys.size(); ++i) {
        const bool begins_group = i % prefetch_distance == 0 && i + 1 < keys.size();
        if (begins_group) prefetch(keys.subspan(i, std::min(prefetch_distance, keys.size() - i)));
        const auto result =
            get_one(keys[i], now, request,
                    [&](const ItemView& item, const ReadMarks& marks) { found(i, item, marks); });
        if (result.is_deferred) return i;
        if (!result.hit()) missed(i, result.miss);
    }
    return keys.size();
}

// Each shard's lock once, whatever the order of the keys: for 32 keys that is far less than a lock
// each.
void ClientOperations::prefetch(std::span<const Key> group) noexcept {
    constexpr auto done = ~0U;
    std::array<unsigned, prefetch_distance> shards;
    for (std::size_t i = 0; i < group.size(); ++i) {
        shards[i] = core_.shards.number_of(group[i].hash);
        core_.shards[shards[i]].prefetch_bucket(group[i].hash);
    }
    for (std::size_t i = 0; i < group.size(); ++i) {
        const auto number = shards[i];
        if (number == done) continue;
        LockedShard& locked = core_.shards[number];
        const lib::ForegroundLock lock(locked.mutex);
        for (std::size_t j = i; j < group.size(); ++j) {
            if (shards[j] != number) continue;
            shards[j] = done;
            locked.items.table().prefetch_item(group[j].hash);
        }
    }
}

// For reports: without a mark of access.
bool ClientOperations::peek(const Key& key, const Now& now, ItemVisitor visit) noexcept {
    LockedShard& locked = core_.shards.of(key.hash);
    const lib::ForegroundLock lock(locked.mutex);
    return Shard(locked.items).peek(key, now, visit);
}

ReadResult ClientOperations::touch(const Key& key, const Now& now, Expiry expiry) noexcept {
    LockedShard& locked = core_.shards.of(key.hash);
    const lib::ForegroundLock lock(locked.mutex);
    return ClientReads(locked.items).touch(key, now, expiry);
}

// Called under the shard's lock, so that the item holds its extent meanwhile.
PinnedValue ClientOperations::pin(const ItemView& item) noexcept {
    const auto* held = static_cast<const Item*>(item.location);
    if (!held->is_large()) return {};
    core_.extents.retain(held->extent());
    return {core_.extents, held->extent(), item.value.size()};
}

// May create an item on a miss, and so may need memory: whoever lacks it lets go of the lock, makes
// room and begins again, which is what the reclaimer runs.
ReadResult ClientOperations::read(const Key& key, const Now& now, const Read& request,
                                  ReadVisitor visit) noexcept {
    core_.note_time(now);
    MemoryGrant grant;
    return core_.reclaimer.run(core_.shards.of(key.hash), now, grant, [&](ShardItems& items) {
        return ClientReads(items).read(key, now, request, visit, grant);
    });
}

// --- storing -----------------------------------------------------------------------------------

// To append is to write a value that is known only under the lock: its memory is found there.
WriteResult ClientOperations::write(const Key& key, const Now& now, const Write& request) noexcept {
    core_.note_time(now);
    MemoryGrant grant;
    // Large values are copied before the lock is taken.
    if (!joins_values(request) && is_large(request.value.size()))
        core_.reclaimer.grant_filled(grant, request.value, now);
    return core_.reclaimer.run(core_.shards.of(key.hash), now, grant, [&](ShardItems& items) {
        return ClientWrites(items).write(key, now, request, grant);
    });
}

// The value is in its extent already; the store takes it over. Used up either way.
WriteResult ClientOperations::write(const Key& key, const Now& now, const Write& request,
                                    ValueReservation value) noexcept {
    Write filled = request;
    filled.value = {value.bytes().data(), value.bytes().size()};
    if (joins_values(request)) return write(key, now, filled);
    core_.note_time(now);
    MemoryGrant grant;
    grant.extent = value.take();
    grant.is_filled = true;
    return core_.reclaimer.run(core_.shards.of(key.hash), now, grant, [&](ShardItems& items) {
        return ClientWrites(items).write(key, now, filled, grant);
    });
}

ArithmeticResult ClientOperations::add(const Key& key, const Now& now,
                                       const Arithmetic& request) noexcept {
    core_.note_time(now);
    MemoryGrant grant;
    return core_.reclaimer.run(core_.shards.of(key.hash), now, grant, [&](ShardItems& items) {
        return ClientWrites(items).add(key, now, request, grant);
    });
}

RemoveResult ClientOperations::remove(const Key& key, const Now& now,
                                      const Remove& request) noexcept {
    core_.note_time(now);
    MemoryGrant grant;
    return core_.reclaimer.run(core_.shards.of(key.hash), now, grant, [&](ShardItems& items) {
        return ClientWrites(items).remove(key, now, request, grant);
    });
}

// Told to the peer like a delete, for there, too, the old value must not be read any longer.
void ClientOperations::drop_failed_write(const Key& key, const Now& now) noexcept {
    LockedShard& locked = core_.shards.of(key.hash);
    const lib::ForegroundLock lock(locked.mutex);
    ClientWrites(locked.items).drop_failed_write(key, now);
}

ValueReservation ClientOperations::reserve(std::uint64_t value_bytes, const Now& now) noexcept {
    return core_.reclaimer.reserve(value_bytes, now);
}

}  // namespace twincached::storage
