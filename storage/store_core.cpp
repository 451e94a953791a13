#include "storage/store_core.hpp"

#include <algorithm>
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

StoreCore::StoreCore(const StoreOptions& options, const lib::KeyedHash& keyed_hash,
                     MutationSink& sink)
    : StoreCore(options, keyed_hash, sink, spaces_for(options)) {}

StoreCore::StoreCore(const StoreOptions& options, const lib::KeyedHash& keyed_hash,
                     MutationSink& sink, const StoreSpaces& spaces)
    : hash(keyed_hash),
      classes(options.growth_factor, options.chunk_size_min),
      budget(options.memory_limit_bytes),
      extents(budget, spaces.extents),
      shards(planned_shard_count(options)),
      reclaimer(budget, extents, shards),
      flushes(shards, sink) {
    const unsigned count = planned_shard_count(options);
    const std::uint32_t slab_bytes = slab_bytes_for(options.memory_limit_bytes, count);
    limits = {options.item_size_limit_bytes, slab_bytes / large_share};
    for (unsigned shard = 0; shard < count; ++shard) {
        const ShardContext context = {.budget = budget,
                                      .extents = extents,
                                      .classes = classes,
                                      .hash = hash,
                                      .sink = sink,
                                      .shard = shard,
                                      .shard_bits = shards.bits(),
                                      .slab_bytes = slab_bytes,
                                      .space = spaces.slabs,
                                      .evict = options.evict,
                                      .evictions = &eviction_listener};
        shards.add(context, new_clock(options), limits);
    }
}

}  // namespace twincached::storage
