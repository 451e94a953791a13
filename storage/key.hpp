// A key with its hash, computed once at the door and passed down. The view must outlive the call
// that it is passed to. Keys are 1 to 250 bytes; any byte may occur (meta and binary clients).
#pragma once

#include "lib/hash.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace twincached::storage {

inline constexpr std::size_t key_size_limit = 250;

struct Key {
    std::string_view bytes;
    std::uint64_t hash = 0;

    static Key of(std::string_view bytes, const lib::KeyedHash& hash) noexcept {
        return {bytes, hash(bytes)};
    }
};

// Replication tracks keys in 65,536 buckets: the top 16 bits of the hash. A bucket lies in one
// shard, as a contiguous range of its index.
using BucketNumber = std::uint16_t;
inline constexpr std::size_t bucket_count = 65536;

constexpr BucketNumber bucket_of(std::uint64_t hash) noexcept {
    return static_cast<BucketNumber>(hash >> 48);
}

}  // namespace twincached::storage
