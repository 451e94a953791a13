// The keyed 64-bit hash of keys. Both nodes of a pair use the same seed, so that they agree on the
// replication bucket of every key. XXH3 is quick and even, but no defence by itself: who knows the
// seed makes as many keys of one hash as he likes, and what hashes are used for must bear that
// (storage/index, replication/changes). A seed that he cannot know spares everybody the trouble.
#pragma once

#include <cstdint>
#include <string_view>

namespace twincached::lib {

class KeyedHash {
  public:
    // Of a text, which is no secret any more once somebody has seen hashes: it is soon tried out.
    explicit KeyedHash(std::string_view text = {}) noexcept;
    static KeyedHash of_seed(std::uint64_t seed) noexcept;
    // For whoever has the secret the same at every place and time, for all others any number.
    static KeyedHash of_secret(std::string_view secret) noexcept;
    // Another one each time, for a process that nobody has to agree with.
    static KeyedHash random();

    std::uint64_t operator()(std::string_view bytes) const noexcept;

    std::uint64_t seed() const noexcept { return seed_; }

  private:
    std::uint64_t seed_;
};

}  // namespace twincached::lib
