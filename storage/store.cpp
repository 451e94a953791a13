#include "storage/store.hpp"

#include "storage/shard/client_reads.hpp"
#include "storage/shard/client_writes.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <initializer_list>
#include <stdexcept>
#include <string>

namespace twincached::storage {

namespace {

constexpr std::uint64_t mebibyte = 1ULL << 20;
constexpr std::uint64_t gibibyte = 1ULL << 30;
constexpr std::uint64_t slabs_per_shard = 16;
// Few and large: a policy that sees more of the keys misses 1 to 2 % less, and a lock that is held
// for 0.2 us of the 8 us that a request costs is rarely met by another thread.
constexpr std::uint64_t shard_bytes_least = 16 * mebibyte;
// 32-bit references in units of 8 bytes reach over 32 GiB.
constexpr std::uint64_t shard_bytes_most = 16 * gibibyte;
constexpr std::uint64_t reach_bytes = 32 * gibibyte;
constexpr unsigned shards_most = 256;
// A value above this part of a slab has an extent of its own.
constexpr std::uint32_t large_share = 16;
// The limit may be raised at run time, within the address space that is reserved.
constexpr std::uint64_t address_factor = 8;
constexpr std::uint64_t address_least = 4 * gibibyte;
// No processor addresses more: beyond it the sums need not be right.
constexpr std::uint64_t address_most = std::uint64_t{1} << 57;
// Keys of a multi-get whose memory is asked for at once: as many lines as a core has in flight.
constexpr std::size_t prefetch_distance = 32;
// One call of `maintain` stays within a few milliseconds.
constexpr unsigned upkeep_steps = 32;
constexpr std::chrono::milliseconds rest_busy{2};
constexpr std::chrono::milliseconds rest_idle{100};
// What a walk does under one hold of a lock.
constexpr unsigned buckets_per_hold = 64;

// With room for a limit that is raised so many times. `least`: of each of the two.
StoreSpaces spaces_for(const StoreOptions& options, unsigned shards, std::uint64_t factor,
                       std::uint64_t least) noexcept {
    const PageSize pages = options.huge_pages ? PageSize::huge : PageSize::usual;
    const std::uint64_t limit = options.memory_limit_bytes;
    const std::uint64_t part = factor * (limit / shards);
    return {
        {std::max(least, factor * limit), pages, options.lock_memory},
        {std::clamp(part, std::min(least, reach_bytes), reach_bytes), pages, options.lock_memory}};
}

// Also that of the index, which takes as much again as the slabs, and of the ghosts.
std::uint64_t bytes_of(const StoreSpaces& spaces, unsigned shards) noexcept {
    return spaces.extents.bytes + shards * (2 * spaces.slabs.bytes + spaces.slabs.bytes / 4);
}

// As much as can be had: a process that may not have much address space (ulimit -v) can raise its
// limit less far.
StoreSpaces spaces_for(const StoreOptions& options) {
    const unsigned shards = planned_shard_count(options);
    for (const std::uint64_t factor : {address_factor, std::uint64_t{2}, std::uint64_t{1}}) {
        const auto least = factor == address_factor ? address_least : shard_bytes_least;
        if (options.memory_limit_bytes > address_most) break;
        const auto spaces = spaces_for(options, shards, factor, least);
        if (Reservation::is_to_be_had(bytes_of(spaces, shards))) return spaces;
    }
    throw std::runtime_error(
        "limit (-m): there is no address space for " +
        std::to_string(options.memory_limit_bytes / mebibyte) +
        " MiB and its index; the process may not have so much (ulimit -v, LimitAS= of the unit), "
        "or no machine of this kind has");
}

// Halved until each shard has sixteen, so that a tenth of its memory is more than one slab; but not
// below 32 KiB, where what no item fits into any more would be too large a part.
std::uint32_t slab_bytes_for(std::uint64_t limit, unsigned shards) noexcept {
    std::uint32_t bytes = limit >= gibibyte ? 256 * 1024 : 128 * 1024;
    while (bytes > 32 * 1024 && limit / shards < slabs_per_shard * bytes)
        bytes /= 2;
    return bytes;
}

VersionClock new_clock(const StoreOptions& options) noexcept {
    return options.node ? VersionClock::hybrid(*options.node) : VersionClock::counter();
}

bool joins_values(const Write& request) noexcept {
    return request.mode == WriteMode::append || request.mode == WriteMode::prepend;
}

}  // namespace

unsigned planned_shard_count(const StoreOptions& options) noexcept {
    if (options.shards != 0) return std::bit_floor(std::min(options.shards, shards_most));
    const std::uint64_t limit = options.memory_limit_bytes;
    unsigned shards = std::min(std::bit_ceil(std::max(1U, options.threads) * 2), shards_most);
    while (shards > 1 && limit / shards < shard_bytes_least)
        shards /= 2;
    while (shards < shards_most && limit / shards > shard_bytes_most)
        shards *= 2;
    return shards;
}

Store::Store(const StoreOptions& options, const lib::KeyedHash& hash, MutationSink& sink)
    : Store(options, hash, sink, spaces_for(options)) {}

Store::Store(const StoreOptions& options, const lib::KeyedHash& hash, MutationSink& sink,
             const StoreSpaces& spaces)
    : hash_(hash),
      classes_(options.growth_factor, options.chunk_size_min),
      budget_(options.memory_limit_bytes),
      extents_(budget_, spaces.extents),
      shards_(planned_shard_count(options)),
      reclaimer_(budget_, extents_, shards_),
      flushes_(shards_, sink, new_clock(options)) {
    const unsigned count = planned_shard_count(options);
    const std::uint32_t slab_bytes = slab_bytes_for(options.memory_limit_bytes, count);
    limits_ = {options.item_size_limit_bytes, slab_bytes / large_share};
    for (unsigned shard = 0; shard < count; ++shard) {
        const ShardContext context = {.budget = budget_,
                                      .extents = extents_,
                                      .classes = classes_,
                                      .hash = hash_,
                                      .sink = sink,
                                      .shard = shard,
                                      .shard_bits = shards_.bits(),
                                      .slab_bytes = slab_bytes,
                                      .space = spaces.slabs,
                                      .evict = options.evict,
                                      .evictions = &eviction_listener_};
        shards_.add(context, new_clock(options), limits_);
    }
}

Key Store::key(std::string_view bytes) const noexcept {
    return Key::of(bytes, hash_);
}

bool Store::rehash(const lib::KeyedHash& hash) noexcept {
    if (hash.seed() == hash_.seed() || stats().total.items != 0) return false;
    hash_ = hash;
    return true;
}

bool Store::exceeds_limit(std::size_t key_bytes, std::uint64_t value_bytes,
                          std::uint32_t client_flags) const noexcept {
    return value_bytes > value_length_limit ||
           accounted_bytes(key_bytes, value_bytes, client_flags) > limits_.item_size;
}

void Store::note_time(const Now& now) noexcept {
    if (last_tick_.load(std::memory_order_relaxed) != now.tick())
        last_tick_.store(now.tick(), std::memory_order_relaxed);
}

// --- reading -----------------------------------------------------------------------------------

ReadResult Store::get(const Key& key, const Now& now, ItemVisitor visit) noexcept {
    LockedShard& locked = shards_.of(key.hash);
    const lib::ForegroundLock lock(locked.mutex);
    return ClientReads(locked.items).get(key, now, visit);
}

// A group of keys at a time: first all index lines are asked for, then, under each shard's lock
// once, all items, and only then is one after the other read, from a cache that holds both.
void Store::get_many(std::span<const Key> keys, const Now& now,
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

void Store::prefetch(std::span<const Key> group) noexcept {
    std::array<bool, prefetch_distance> done{};
    for (const Key& key : group)
        shards_.of(key.hash).prefetch_bucket(key.hash);
    for (std::size_t i = 0; i < group.size(); ++i) {
        if (done[i]) continue;
        LockedShard& locked = shards_.of(group[i].hash);
        const lib::ForegroundLock lock(locked.mutex);
        for (std::size_t j = i; j < group.size(); ++j) {
            if (&shards_.of(group[j].hash) != &locked) continue;
            done[j] = true;
            locked.items.table().prefetch_item(group[j].hash);
        }
    }
}

bool Store::peek(const Key& key, const Now& now, ItemVisitor visit) noexcept {
    LockedShard& locked = shards_.of(key.hash);
    const lib::ForegroundLock lock(locked.mutex);
    return Shard(locked.items).peek(key, now, visit);
}

ReadResult Store::touch(const Key& key, const Now& now, Expiry expiry) noexcept {
    LockedShard& locked = shards_.of(key.hash);
    const lib::ForegroundLock lock(locked.mutex);
    return ClientReads(locked.items).touch(key, now, expiry);
}

// Called under the shard's lock, so that the item holds its extent meanwhile.
PinnedValue Store::pin(const ItemView& item) noexcept {
    const auto* held = static_cast<const Item*>(item.location);
    if (!held->is_large()) return {};
    extents_.retain(held->extent());
    return {extents_, held->extent(), item.value.size()};
}

ReadResult Store::read(const Key& key, const Now& now, const Read& request,
                       ReadVisitor visit) noexcept {
    note_time(now);
    MemoryGrant grant;
    return reclaimer_.run(shards_.of(key.hash), now, grant, [&](ShardItems& items) {
        return ClientReads(items).read(key, now, request, visit, grant);
    });
}

// --- storing -----------------------------------------------------------------------------------

WriteResult Store::write(const Key& key, const Now& now, const Write& request) noexcept {
    note_time(now);
    MemoryGrant grant;
    // Large values are copied before the lock is taken.
    if (!joins_values(request) && is_large(request.value.size()))
        reclaimer_.grant_filled(grant, request.value, now);
    return reclaimer_.run(shards_.of(key.hash), now, grant, [&](ShardItems& items) {
        return ClientWrites(items).write(key, now, request, grant);
    });
}

WriteResult Store::write(const Key& key, const Now& now, const Write& request,
                         ValueReservation value) noexcept {
    Write filled = request;
    filled.value = {value.bytes().data(), value.bytes().size()};
    if (joins_values(request)) return write(key, now, filled);
    note_time(now);
    MemoryGrant grant;
    grant.extent = value.take();
    grant.is_filled = true;
    return reclaimer_.run(shards_.of(key.hash), now, grant, [&](ShardItems& items) {
        return ClientWrites(items).write(key, now, filled, grant);
    });
}

ArithmeticResult Store::add(const Key& key, const Now& now, const Arithmetic& request) noexcept {
    note_time(now);
    MemoryGrant grant;
    return reclaimer_.run(shards_.of(key.hash), now, grant, [&](ShardItems& items) {
        return ClientWrites(items).add(key, now, request, grant);
    });
}

RemoveResult Store::remove(const Key& key, const Now& now, const Remove& request) noexcept {
    note_time(now);
    MemoryGrant grant;
    return reclaimer_.run(shards_.of(key.hash), now, grant, [&](ShardItems& items) {
        return ClientWrites(items).remove(key, now, request, grant);
    });
}

void Store::drop_failed_write(const Key& key, const Now& now) noexcept {
    LockedShard& locked = shards_.of(key.hash);
    const lib::ForegroundLock lock(locked.mutex);
    ClientWrites(locked.items).drop_failed_write(key, now);
}

ValueReservation Store::reserve(std::uint64_t value_bytes, const Now& now) noexcept {
    return reclaimer_.reserve(value_bytes, now);
}

// --- replication and restart -------------------------------------------------------------------

ApplyOutcome Store::apply(const Record& record, const Now& now) noexcept {
    note_time(now);
    MemoryGrant grant;
    if (is_large(record.value.size())) reclaimer_.grant_filled(grant, record.value, now);
    return reclaimer_.run(shards_.of(record.key.hash), now, grant, [&](ShardItems& items) {
        return Shard(items).apply(record, now, grant);
    });
}

// As background: a driver takes the lock again and again, and a client waits for its one turn.
void Store::with_shard(unsigned number, lib::FunctionRef<void(Shard&)> visit) noexcept {
    LockedShard& locked = shards_[number];
    const lib::BackgroundLock lock(locked.mutex);
    Shard shard(locked.items);
    visit(shard);
}

void Store::save(SavedItemVisitor visit) noexcept {
    bool goes_on = true;
    for (const auto& locked : shards_) {
        const lib::ForegroundLock lock(locked->mutex);
        if (goes_on) goes_on = ShardRestart(locked->items).save(visit);
    }
}

RestoreOutcome Store::restore(const SavedItem& saved, const Now& now) noexcept {
    note_time(now);
    const Key key = this->key(saved.key);
    MemoryGrant grant;
    if (is_large(saved.value.size())) reclaimer_.grant_filled(grant, saved.value, now);
    return reclaimer_.run(shards_.of(key.hash), now, grant, [&](ShardItems& items) {
        return ShardRestart(items).restore(saved, key, now, grant);
    });
}

RestoreOutcome Store::restore(SavedItem saved, const Now& now, ValueReservation value) noexcept {
    note_time(now);
    const Key key = this->key(saved.key);
    saved.value = {value.bytes().data(), value.bytes().size()};
    MemoryGrant grant;
    grant.extent = value.take();
    grant.is_filled = true;
    return reclaimer_.run(shards_.of(key.hash), now, grant, [&](ShardItems& items) {
        return ShardRestart(items).restore(saved, key, now, grant);
    });
}

// --- flushes, walks, upkeep --------------------------------------------------------------------

Ticket Store::flush(const Now& now) noexcept {
    note_time(now);
    return flushes_.flush(now);
}

void Store::apply_flush(Version version) noexcept {
    flushes_.apply(version, last_tick_.load(std::memory_order_relaxed));
}

// The lock is let go every few buckets; the cursor is a hash, so that it does not matter what
// becomes of the index in between.
std::optional<Store::Cursor> Store::walk(Cursor cursor, std::size_t budget, const Now& now,
                                         ItemVisitor visit) noexcept {
    budget = std::max<std::size_t>(budget, 1);
    std::size_t seen = 0;
    std::uint64_t hash = cursor.hash;
    const auto count = [&](const ItemView& item) {
        ++seen;
        visit(item);
    };
    for (;;) {
        const unsigned number = shard_of(hash);
        std::optional<std::uint64_t> next;
        {
            LockedShard& locked = shards_[number];
            const lib::BackgroundLock lock(locked.mutex);
            for (unsigned bucket = 0; bucket < buckets_per_hold && seen < budget; ++bucket) {
                next = Shard(locked.items).visit(hash, now, count);
                if (!next) break;
                hash = *next;
            }
        }
        if (!next) {
            if (number + 1 == shard_count()) return std::nullopt;
            hash = shards_.first_hash(number + 1);
        }
        if (seen >= budget) return Cursor{hash};
    }
}

std::chrono::milliseconds Store::maintain(const Now& now) noexcept {
    note_time(now);
    flushes_.fire(now);
    bool is_busy = extents_.collect();
    for (const auto& locked : shards_) {
        bool more = true;
        for (unsigned step = 0; more && step < upkeep_steps; ++step) {
            const lib::BackgroundLock lock(locked->mutex);
            more = locked->items.upkeep(now.tick());
        }
        is_busy |= more;
    }
    is_busy |= reclaimer_.shrink(now);
    return is_busy ? rest_busy : rest_idle;
}

// --- reports -----------------------------------------------------------------------------------

StoreStats Store::stats() const noexcept {
    StoreStats stats;
    stats.memory_limit = budget_.limit();
    stats.memory_used = budget_.used();
    stats.extent_bytes = extents_.bytes();
    stats.pinned = extents_.pins();
    for (const auto& locked : shards_) {
        const lib::ForegroundLock lock(locked->mutex);
        locked->items.add_to(stats, last_tick_.load(std::memory_order_relaxed));
    }
    stats.total_up();
    return stats;
}

void Store::reset_stats() noexcept {
    for (const auto& locked : shards_) {
        const lib::ForegroundLock lock(locked->mutex);
        locked->items.books().reset();
    }
}

}  // namespace twincached::storage
