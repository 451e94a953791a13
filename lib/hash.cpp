#include "lib/hash.hpp"

#include "lib/endian.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <array>
#include <cstdlib>
#include <random>

namespace twincached::lib {

KeyedHash::KeyedHash(std::string_view text) noexcept
    : seed_(XXH3_64bits(text.data(), text.size())) {}

KeyedHash KeyedHash::of_seed(std::uint64_t seed) noexcept {
    KeyedHash hash;
    hash.seed_ = seed;
    return hash;
}

// The label keeps what is made of the secret here apart from what is made of it elsewhere.
KeyedHash KeyedHash::of_secret(std::string_view secret) noexcept {
    constexpr std::string_view label = "twincached: the seed of the keys' hash";
    std::array<char, EVP_MAX_MD_SIZE> mac{};
    unsigned size = 0;
    const auto* done = HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
                            reinterpret_cast<const unsigned char*>(label.data()), label.size(),
                            reinterpret_cast<unsigned char*>(mac.data()), &size);
    // Without SHA-256 there is no safe way to go on.
    if (done == nullptr || size < sizeof(std::uint64_t)) std::abort();
    return of_seed(load_little<std::uint64_t>(mac.data()));
}

KeyedHash KeyedHash::random() {
    std::random_device device;
    return of_seed((std::uint64_t{device()} << 32) | device());
}

std::uint64_t KeyedHash::operator()(std::string_view bytes) const noexcept {
    return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed_);
}

}  // namespace twincached::lib
