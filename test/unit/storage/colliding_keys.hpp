// Keys whose hashes are equal in all 64 bits, as anybody can make them who knows the seed. XXH3
// multiplies the halves of a key's first 16 bytes, each mixed with a constant and the seed: where
// one is zero it does not matter what the other is.
#pragma once

#include "lib/endian.hpp"
#include "lib/hash.hpp"

#include <cstdint>
#include <string>

namespace twincached::storage {

// 32 bytes, others for every number.
inline std::string colliding_key(std::uint64_t seed, std::uint64_t number) {
    constexpr std::uint64_t secret_begin = 0xBE4BA423396CFEB8;  // of XXH3's own secret
    std::string key(32, 'k');
    lib::store_little(key.data(), secret_begin + seed);
    lib::store_little(key.data() + 8, number);
    return key;
}

}  // namespace twincached::storage
