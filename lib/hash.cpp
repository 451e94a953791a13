#include "lib/hash.hpp"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace twincached::lib {

KeyedHash::KeyedHash(std::string_view secret) noexcept
    : seed_(XXH3_64bits(secret.data(), secret.size())) {}

std::uint64_t KeyedHash::operator()(std::string_view bytes) const noexcept {
    return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed_);
}

}  // namespace twincached::lib
