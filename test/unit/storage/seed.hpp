// The seed of a random test: printed, and taken back from TWINCACHED_SEED.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <random>
#include <string_view>

namespace twincached::storage {

inline std::uint64_t seed_of(std::string_view test) {
    const char* text = std::getenv("TWINCACHED_SEED");
    const std::uint64_t seed =
        text == nullptr ? std::random_device{}() : std::strtoull(text, nullptr, 10);
    std::cout << test << ": TWINCACHED_SEED=" << seed << '\n';
    return seed;
}

}  // namespace twincached::storage
