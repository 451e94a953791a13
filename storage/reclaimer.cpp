#include "storage/reclaimer.hpp"

#include <cstring>

namespace twincached::storage {

namespace {

// Steps of eviction in a row that freed nothing, before a request for memory fails.
constexpr unsigned futile_limit = 16;
constexpr unsigned futile_per_pressure = 4;
// Values that are still arriving hold one part in so many of the limit at most.
constexpr std::uint64_t reserved_share = 2;
// One call of `shrink` stays within a few milliseconds.
constexpr unsigned shrink_steps = 16;

}  // namespace

void Reclaimer::grant_filled(MemoryGrant& grant, std::string_view value, const Now& now) noexcept {
    grant.extent = allocate(value.size(), now);
    grant.is_filled = grant.extent != 0;
    grant.is_final = !grant.is_filled;
    if (grant.is_filled) std::memcpy(extents_.data(grant.extent), value.data(), value.size());
}

ValueReservation Reclaimer::reserve(std::uint64_t value_bytes, const Now& now) noexcept {
    if (value_bytes > value_length_limit) return {};
    const std::uint64_t others = reserved_bytes_.fetch_add(value_bytes);
    // The first is never too much: else a value larger than the part could not be stored at all.
    const bool too_much = others != 0 && others + value_bytes > budget_.limit() / reserved_share;
    const ExtentNumber extent = too_much ? 0 : allocate(value_bytes, now);
    if (extent == 0) {
        reserved_bytes_.fetch_sub(value_bytes);
        return {};
    }
    return {extents_, extent, value_bytes, reserved_bytes_};
}

void Reclaimer::provide(MemoryGrant& grant, const Now& now) noexcept {
    if (grant.lacks_extent_bytes != 0) {
        if (grant.extent != 0) extents_.release(grant.extent);
        grant.is_filled = false;
        grant.extent = allocate(grant.lacks_extent_bytes, now);
        if (grant.extent == 0) grant.is_final = true;
        return;
    }
    unsigned futile = 0;
    while (futile < shards_.count() && relieve(1, {futile, 0}, now) == 0)
        ++futile;
    if (futile == shards_.count()) grant.is_final = true;
}

// Evicts until the budget has so much left; the longer in vain, the less is spared.
ExtentNumber Reclaimer::allocate(std::uint64_t bytes, const Now& now) noexcept {
    if (bytes > budget_.limit()) return 0;
    for (unsigned futile = 0;;) {
        const ExtentNumber extent = extents_.allocate(bytes);
        if (extent != 0) return extent;
        if (relieve(bytes, {futile, futile / futile_per_pressure}, now) != 0)
            futile = 0;
        else if (++futile == futile_limit)
            return 0;
    }
}

// Lets the shard that has most evict; after futile attempts another one.
std::uint64_t Reclaimer::relieve(std::uint64_t bytes, const Effort& effort,
                                 const Now& now) noexcept {
    LockedShard& locked = shards_[(largest_shard() + effort.futile) % shards_.count()];
    std::uint64_t freed = 0;
    {
        const lib::ForegroundLock lock(locked.mutex);
        freed = locked.items.evictor().evict_some(bytes, effort.pressure, now.tick());
    }
    (void)extents_.collect();
    return freed;
}

unsigned Reclaimer::largest_shard() const noexcept {
    unsigned largest = 0;
    for (unsigned shard = 1; shard < shards_.count(); ++shard)
        if (shards_[shard].bytes() > shards_[largest].bytes()) largest = shard;
    return largest;
}

bool Reclaimer::shrink(const Now& now) noexcept {
    if (budget_.excess() == 0) return false;
    extents_.end_rest();
    unsigned futile = 0;
    for (unsigned step = 0; step < shrink_steps && budget_.excess() != 0; ++step)
        if (relieve(budget_.excess(), {futile, 0}, now) == 0) ++futile;
    return budget_.excess() != 0 && futile < shrink_steps;
}

}  // namespace twincached::storage
