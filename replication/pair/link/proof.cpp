#include "replication/pair/link/proof.hpp"

#include "lib/byte_buffer.hpp"
#include "lib/endian.hpp"
#include "replication/records/wire.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <new>

namespace twincached::replication::pair {

namespace {

std::array<std::uint8_t, 32> hmac(std::string_view key, std::string_view message) {
    std::array<std::uint8_t, 32> mac{};
    unsigned size = 0;
    const auto* done = HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
                            reinterpret_cast<const unsigned char*>(message.data()), message.size(),
                            mac.data(), &size);
    // There is SHA-256 in every OpenSSL: it is memory that is lacking.
    if (done == nullptr || size != mac.size()) throw std::bad_alloc();
    return mac;
}

std::string_view label_of(Side side) noexcept {
    return side == Side::dialler ? "twincached pair: dialler" : "twincached pair: acceptor";
}

std::string_view mask_label_of(Side side) noexcept {
    return side == Side::dialler ? "twincached pair: mask of the dialler"
                                 : "twincached pair: mask of the acceptor";
}

Mac of_both(std::string_view secret, std::string_view label, std::string_view diallers_challenge,
            std::string_view acceptors_challenge) {
    lib::ByteBuffer message;
    WireWriter(message).text(label).text(diallers_challenge).text(acceptors_challenge);
    return hmac(secret, message.readable());
}

}  // namespace

Mac prove(std::string_view secret, Side prover, std::string_view diallers_challenge,
          std::string_view acceptors_challenge) {
    return of_both(secret, label_of(prover), diallers_challenge, acceptors_challenge);
}

std::uint64_t mask(std::string_view secret, Side writer, std::string_view diallers_challenge,
                   std::string_view acceptors_challenge) {
    const auto mac =
        of_both(secret, mask_label_of(writer), diallers_challenge, acceptors_challenge);
    return lib::load_little<std::uint64_t>(reinterpret_cast<const char*>(mac.data()));
}

bool equal(const Mac& one, const Mac& other) noexcept {
    return CRYPTO_memcmp(one.data(), other.data(), one.size()) == 0;
}

Nonce make_nonce(const Entropy& entropy, std::uint64_t count) {
    lib::ByteBuffer message;
    WireWriter(message).text("twincached pair: nonce").u64(count);
    return hmac({reinterpret_cast<const char*>(entropy.data()), entropy.size()},
                message.readable());
}

}  // namespace twincached::replication::pair
