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

// The shortest way to an item: one lock, no memory needed, nothing told to the sink.
ReadResult ClientOperations::get(const Key& key, const Now& now, ItemVisitor visit) noexcept {
    LockedShard& locked = core_.shards.of(key.hash);
    const lib::ForegroundLock lock(locked.mutex);
    return ClientReads(locked.items).get(key, now, visit);
}

// A group of keys at a time: first all index lines are asked for, then, under each shard's lock
// once, all items, and only then is one after the other read, from a cache that holds both.
void ClientOperations::get_many(std::span<const Key> keys, const Now& now,
                                lib::FunctionRef<void(std::size_t, const ItemView&)> visit,
                                lib::FunctionRef<void(std::size_t, Miss)> miss) noexcept {
    for (std::size_t begin = 0; begin < keys.size(); begin += prefetch_distance) {
        const auto group = keys.subspan(begin, std::min(prefetch_distance, keys.size() - begin));
        if (group.size() > 1) prefetch(group);
        for (std::size_t i = 0; i < group.size(); ++i) {
            const ReadResult result =
                get(group[i], now, [&](const ItemView& item) { visit(begin + i, item); });
            if (!result.hit()) miss(begin + i, result.miss);
        }
    }
}

// Each shard's lock once, whatever the order of the keys: for 32 keys that is far less than a lock
// each.
void ClientOperations::prefetch(std::span<const Key> group) noexcept {
    std::array<bool, prefetch_distance> done{};
    for (const Key& key : group)
        core_.shards.of(key.hash).prefetch_bucket(key.hash);
    for (std::size_t i = 0; i < group.size(); ++i) {
        if (done[i]) continue;
        LockedShard& locked = core_.shards.of(group[i].hash);
        const lib::ForegroundLock lock(locked.mutex);
        for (std::size_t j = i; j < group.size(); ++j) {
            if (&core_.shards.of(group[j].hash) != &locked) continue;
            done[j] = true;
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
