// How an item is named within its shard: by where it lies, counted in units of 8 bytes from the
// beginning of the shard's slabs. 32 bits reach over 32 GiB, and an index slot costs 4 bytes.
#pragma once

#include <cstddef>
#include <cstdint>

namespace twincached::storage {

using Ref = std::uint32_t;  // 0 = none

inline constexpr std::size_t item_alignment = 8;

}  // namespace twincached::storage
