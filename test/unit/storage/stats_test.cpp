#include "storage/stats.hpp"

#include "test/unit/storage/store_fixture.hpp"

#include <catch2/catch.hpp>

namespace twincached::storage {

TEST_CASE("over shards and classes numbers add up, and of ages the highest stands") {
    ClassStats one;
    ClassStats other;
    std::uint64_t number = 0;
    for (const auto& row : class_rows) {
        one.*row.member = ++number;
        other.*row.member = 100;
    }
    one += other;
    number = 0;
    for (const auto& row : class_rows) {
        INFO(row.figure.name);
        ++number;
        CHECK(one.*row.member == (row.is_age ? 100 : number + 100));
    }
}

TEST_CASE("no two rows of a class tell the same member") {
    for (const auto& row : class_rows) {
        ClassStats stats;
        stats.*row.member = 1;
        std::uint64_t sum = 0;
        for (const auto& other : class_rows)
            sum += stats.*other.member;
        INFO(row.figure.name);
        CHECK(sum == 1);
    }
}

TEST_CASE("the oldest item's age is told while all items are new") {
    StoreFixture fixture;
    fixture.set("old", "value");
    fixture.advance_seconds(70);
    fixture.set("young", "value");
    const auto total = fixture.store.stats().total;
    CHECK(total.oldest_age == 70);
    CHECK(total.oldest_fresh == 70);
}

}  // namespace twincached::storage
