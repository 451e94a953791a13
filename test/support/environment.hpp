// What a run of tests is told from outside: seeds, and how many of them.
#pragma once

#include <cstdint>
#include <cstdlib>

namespace twincached::test {

inline std::uint64_t number_from(const char* name, std::uint64_t fallback) {
    const char* text = std::getenv(name);
    return text == nullptr ? fallback : std::strtoull(text, nullptr, 10);
}

}  // namespace twincached::test
