#include "storage/size_classes.hpp"

#include "lib/round_up.hpp"

#include <algorithm>

namespace twincached::storage {

namespace {

constexpr std::uint32_t largest_chunk_bytes = 512 * 1024;

}  // namespace

// As memcached's slabs_init does it: each chunk by the factor larger than the one before, rounded
// up to its alignment, until the next would exceed the largest, which is half a page.
SizeClasses::SizeClasses(double growth_factor, std::uint32_t chunk_size_min) {
    const double last = largest_chunk_bytes / growth_factor;
    std::uint64_t size = accounted_header_bytes + chunk_size_min;
    while (count_ + 2 < size_class_limit && static_cast<double>(size) <= last) {
        size = lib::round_up(size, item_chunk_alignment);
        chunks_[++count_] = static_cast<std::uint32_t>(size);
        const auto next = static_cast<std::uint64_t>(static_cast<double>(size) * growth_factor);
        size = std::max(next, size + item_chunk_alignment);
    }
    chunks_[++count_] = largest_chunk_bytes;
    for (std::size_t i = 0; i < table_.size(); ++i)
        table_[i] = static_cast<std::uint8_t>(search(i * 8));
}

unsigned SizeClasses::search(std::uint64_t accounted) const noexcept {
    const auto begin = chunks_.begin() + 1;
    const auto end = begin + count_ - 1;  // what fits in no class, belongs to the last
    return static_cast<unsigned>(std::lower_bound(begin, end, accounted) - chunks_.begin());
}

}  // namespace twincached::storage
