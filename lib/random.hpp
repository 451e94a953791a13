// A small seeded generator (splitmix64) for jitter, sampling and tests: equal seeds give equal
// sequences on every platform. Not for secrets.
#pragma once

#include <cstdint>

namespace twincached::lib {

class Random {
  public:
    explicit constexpr Random(std::uint64_t seed) noexcept : state_(seed) {}

    constexpr std::uint64_t next() noexcept {
        state_ += 0x9E3779B97F4A7C15ULL;
        std::uint64_t z = state_;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
        return z ^ (z >> 31);
    }

    // Uniform enough in [0, bound) for bounds far below 2^64. REQUIRES: bound > 0.
    constexpr std::uint64_t below(std::uint64_t bound) noexcept { return next() % bound; }

    constexpr bool one_in(std::uint64_t n) noexcept { return below(n) == 0; }

  private:
    std::uint64_t state_;
};

}  // namespace twincached::lib
