// A table that has many items, for tests of what leaves it.
#pragma once

#include "test/unit/storage/table_fixture.hpp"

#include <catch2/catch.hpp>

#include <string>

namespace twincached::storage {

inline std::string name(const char* prefix, int number) {
    return prefix + std::to_string(number);
}

// So many items of a kibibyte, 30 a slab.
inline void store_many(TableFixture& fixture, const char* prefix, int count,
                       const Placing& placing = {}) {
    for (int i = 0; i < count; ++i)
        REQUIRE(fixture.store(name(prefix, i), std::string(1000, 'x'), placing));
}

// One slab, whichever comes first.
inline std::uint64_t evict(TableFixture& fixture, unsigned pressure = 0) {
    return fixture.evictor.evict_some(TableFixture::slab_bytes, pressure, fixture.now);
}

}  // namespace twincached::storage
