// The keyed 64-bit hash of keys. Both nodes of a pair use the same secret, so that they agree on
// the replication bucket of every key, and clients cannot craft collisions.
#pragma once

#include <cstdint>
#include <string_view>

namespace twincached::lib {

class KeyedHash {
  public:
    // Any text; an empty one still gives a good, but publicly known, hash.
    explicit KeyedHash(std::string_view secret = {}) noexcept;

    std::uint64_t operator()(std::string_view bytes) const noexcept;

    // A fingerprint of the secret: equal on both nodes of a pair, says nothing about the secret.
    std::uint64_t fingerprint() const noexcept { return (*this)("twincached hash check"); }

  private:
    std::uint64_t seed_;
};

}  // namespace twincached::lib
