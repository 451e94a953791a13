#include "storage/store.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

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
// How often an operation may ask for more memory before it has to make do.
constexpr unsigned attempts_limit = 8;
// Keys of a multi-get whose memory is asked for at once: as many lines as a core has in flight.
constexpr std::size_t prefetch_distance = 32;

PageSize pages_of(const StoreOptions& options) noexcept {
    return options.huge_pages ? PageSize::huge : PageSize::usual;
}

std::uint32_t slab_bytes_for(std::uint64_t limit, unsigned shards) noexcept {
    std::uint32_t bytes = limit >= gibibyte ? 256 * 1024 : 128 * 1024;
    while (bytes > 32 * 1024 && limit / shards < slabs_per_shard * bytes)
        bytes /= 2;
    return bytes;
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
    : options_(options),
      hash_(hash),
      sink_(sink),
      classes_(options.growth_factor, options.chunk_size_min),
      budget_(options.memory_limit_bytes),
      extents_(budget_, {std::max(address_least, address_factor * options.memory_limit_bytes),
                         pages_of(options)}) {
    const unsigned count = planned_shard_count(options);
    shard_bits_ = static_cast<unsigned>(std::countr_zero(count));
    const std::uint32_t slab_bytes = slab_bytes_for(options.memory_limit_bytes, count);
    limits_ = {options.item_size_limit_bytes, slab_bytes / large_share};
    const std::uint64_t part = address_factor * (options.memory_limit_bytes / count);
    for (unsigned shard = 0; shard < count; ++shard) {
        const TableContext context = {
            .budget = budget_,
            .extents = extents_,
            .classes = classes_,
            .hash = hash_,
            .sink = sink_,
            .shard = shard,
            .shard_bits = shard_bits_,
            .slab_bytes = slab_bytes,
            .space = {std::clamp(part, address_least, reach_bytes), pages_of(options)},
            .evict = options.evict,
            .evictions = &eviction_listener_};
        shards_.push_back(std::make_unique<Locked>(context, new_clock(), limits_));
    }
}

Store::~Store() = default;

VersionClock Store::new_clock() const noexcept {
    return options_.node ? VersionClock::hybrid(*options_.node) : VersionClock::counter();
}

Key Store::key(std::string_view bytes) const noexcept {
    return Key::of(bytes, hash_);
}

void Store::note_time(const Now& now) noexcept {
    if (last_tick_.load(std::memory_order_relaxed) != now.tick())
        last_tick_.store(now.tick(), std::memory_order_relaxed);
}

// --- reading -----------------------------------------------------------------------------------

ReadResult Store::get(const Key& key, const Now& now, ItemVisitor visit) noexcept {
    Locked& locked = this->locked(key.hash);
    const lib::ForegroundLock lock(locked.mutex);
    return locked.shard.get(key, now, visit);
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
        locked(key.hash).prefetch_bucket(key.hash);
    for (std::size_t i = 0; i < group.size(); ++i) {
        if (done[i]) continue;
        Locked& locked = this->locked(group[i].hash);
        const lib::ForegroundLock lock(locked.mutex);
        for (std::size_t j = i; j < group.size(); ++j) {
            if (&this->locked(group[j].hash) != &locked) continue;
            done[j] = true;
            locked.shard.table().prefetch_item(group[j].hash);
        }
    }
}

bool Store::peek(const Key& key, const Now& now, ItemVisitor visit) noexcept {
    Locked& locked = this->locked(key.hash);
    const lib::ForegroundLock lock(locked.mutex);
    return locked.shard.peek(key, now, visit);
}

ReadResult Store::touch(const Key& key, const Now& now, Expiry expiry) noexcept {
    Locked& locked = this->locked(key.hash);
    const lib::ForegroundLock lock(locked.mutex);
    return locked.shard.touch(key, now, expiry);
}

PinnedValue Store::pin(const ItemView& item) noexcept {
    const auto* held = static_cast<const Item*>(item.location);
    if (!held->is_large()) return {};
    extents_.retain(held->extent());
    return {extents_, held->extent(), item.value.size()};
}

// --- storing -----------------------------------------------------------------------------------

// Runs an operation under its shard's lock; if it lacks memory that its shard cannot give, that is
// found without the lock, and it runs again.
template <class Operation>
auto Store::supplied(Locked& locked, const Now& now, Supply& supply, Operation operation) noexcept {
    note_time(now);
    for (unsigned attempt = 1;; ++attempt) {
        supply.lacks_slab = false;
        supply.lacks_extent_bytes = 0;
        const auto result = [&] {
            const lib::ForegroundLock lock(locked.mutex);
            return operation(locked.shard);
        }();
        if (!supply.lacks()) {
            if (supply.extent != 0) extents_.release(supply.extent);
            (void)extents_.collect();
            return result;
        }
        provide(supply, now);
        if (attempt == attempts_limit) supply.insist = true;
    }
}

// Large values are copied before the lock is taken.
void Store::fill(Supply& supply, std::string_view value, const Now& now) noexcept {
    supply.extent = allocate_extent(value.size(), now);
    supply.is_filled = supply.extent != 0;
    supply.insist = !supply.is_filled;
    if (supply.is_filled) std::memcpy(extents_.data(supply.extent), value.data(), value.size());
}

ReadResult Store::read(const Key& key, const Now& now, const Read& request,
                       ReadVisitor visit) noexcept {
    Supply supply;
    return supplied(locked(key.hash), now, supply,
                    [&](Shard& shard) { return shard.read(key, now, request, visit, supply); });
}

WriteResult Store::write(const Key& key, const Now& now, const Write& request) noexcept {
    Supply supply;
    const bool joins = request.mode == WriteMode::append || request.mode == WriteMode::prepend;
    if (!joins && is_large(request.value.size())) fill(supply, request.value, now);
    return supplied(locked(key.hash), now, supply,
                    [&](Shard& shard) { return shard.write(key, now, request, supply); });
}

WriteResult Store::write(const Key& key, const Now& now, const Write& request,
                         ValueReservation value) noexcept {
    Write filled = request;
    filled.value = {value.bytes().data(), value.bytes().size()};
    const bool joins = request.mode == WriteMode::append || request.mode == WriteMode::prepend;
    if (joins) return write(key, now, filled);
    Supply supply;
    supply.extent = std::exchange(value.extent_, 0);
    supply.is_filled = true;
    return supplied(locked(key.hash), now, supply,
                    [&](Shard& shard) { return shard.write(key, now, filled, supply); });
}

ArithmeticResult Store::add(const Key& key, const Now& now, const Arithmetic& request) noexcept {
    Supply supply;
    return supplied(locked(key.hash), now, supply,
                    [&](Shard& shard) { return shard.add(key, now, request, supply); });
}

RemoveResult Store::remove(const Key& key, const Now& now, const Remove& request) noexcept {
    Supply supply;
    return supplied(locked(key.hash), now, supply,
                    [&](Shard& shard) { return shard.remove(key, now, request, supply); });
}

void Store::drop_failed_write(const Key& key, const Now& now) noexcept {
    Locked& locked = this->locked(key.hash);
    const lib::ForegroundLock lock(locked.mutex);
    locked.shard.drop_failed_write(key, now);
}

ApplyOutcome Store::apply(const Record& record, const Now& now) noexcept {
    Supply supply;
    if (is_large(record.value.size())) fill(supply, record.value, now);
    return supplied(locked(record.key.hash), now, supply,
                    [&](Shard& shard) { return shard.apply(record, now, supply); });
}

RestoreOutcome Store::restore(const SavedItem& saved, const Now& now) noexcept {
    const Key key = this->key(saved.key);
    Supply supply;
    if (is_large(saved.value.size())) fill(supply, saved.value, now);
    return supplied(locked(key.hash), now, supply,
                    [&](Shard& shard) { return shard.restore(saved, key, now, supply); });
}

RestoreOutcome Store::restore(SavedItem saved, const Now& now, ValueReservation value) noexcept {
    const Key key = this->key(saved.key);
    saved.value = {value.bytes().data(), value.bytes().size()};
    Supply supply;
    supply.extent = std::exchange(value.extent_, 0);
    supply.is_filled = true;
    return supplied(locked(key.hash), now, supply,
                    [&](Shard& shard) { return shard.restore(saved, key, now, supply); });
}

void Store::with_shard(unsigned shard, lib::FunctionRef<void(Shard&)> visit) noexcept {
    Locked& locked = *shards_[shard];
    const lib::BackgroundLock lock(locked.mutex);
    visit(locked.shard);
}

}  // namespace twincached::storage
