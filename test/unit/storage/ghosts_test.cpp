#include "storage/eviction/ghosts.hpp"

#include "lib/random.hpp"

#include <catch2/catch.hpp>

#include <cstdint>

using namespace twincached::storage;

namespace {

constexpr std::uint64_t some_hash = 0x9E3779B97F4A7C15ULL;

void settle(Ghosts& ghosts, std::uint64_t items) {
    for (int i = 0; i < 200; ++i) {
        ghosts.adjust(items);
        ghosts.step(1000);
    }
}

}  // namespace

TEST_CASE("ghosts are remembered once, as many as there are items") {
    MemoryBudget budget(64U << 20);
    MemoryShare share(budget, 0);
    Ghosts ghosts(share, {64U << 20}, 0);
    settle(ghosts, 100'000);
    ghosts.remember(some_hash);
    CHECK(ghosts.recall(some_hash));
    CHECK_FALSE(ghosts.recall(some_hash));
    CHECK(ghosts.bytes() > 100'000 * 2);
    CHECK(budget.used() == ghosts.bytes());
}

TEST_CASE("ghosts give their memory back when the items have become few") {
    MemoryBudget budget(64U << 20);
    MemoryShare share(budget, 0);
    Ghosts ghosts(share, {64U << 20}, 0);
    settle(ghosts, 1'000'000);
    const auto most = ghosts.bytes();
    settle(ghosts, 300'000);
    CHECK(ghosts.bytes() == most);  // not worth forgetting all
    ghosts.remember(some_hash);
    settle(ghosts, 10'000);
    CHECK(ghosts.bytes() < most / 20);
    CHECK(budget.used() == ghosts.bytes());
    CHECK_FALSE(ghosts.recall(some_hash));
    ghosts.remember(some_hash);
    CHECK(ghosts.recall(some_hash));
    settle(ghosts, 1'000'000);
    CHECK(ghosts.bytes() >= most);
}

TEST_CASE("the ghosts of a few items stay, however often it is asked whether they are too many") {
    MemoryBudget budget(64U << 20);
    MemoryShare share(budget, 0);
    Ghosts ghosts(share, {64U << 20}, 0);
    settle(ghosts, 100);
    REQUIRE(ghosts.bytes() == page_bytes);  // the least
    ghosts.remember(some_hash);
    settle(ghosts, 100);
    settle(ghosts, 0);
    CHECK(ghosts.recall(some_hash));
}

TEST_CASE("ghosts stay with a quarter of the items, and are forgotten with fewer") {
    constexpr std::uint64_t line_bytes = 64;
    constexpr std::uint64_t items_of_line = 31;
    MemoryBudget budget(64U << 20);
    MemoryShare share(budget, 0);
    Ghosts ghosts(share, {64U << 20}, 0);
    settle(ghosts, items_of_line * 128 - 1);
    REQUIRE(ghosts.bytes() == 128 * line_bytes);
    ghosts.remember(some_hash);
    settle(ghosts, items_of_line * 32 - 1);  // 32 lines are what these are worth
    CHECK(ghosts.bytes() == 128 * line_bytes);
    CHECK(ghosts.recall(some_hash));
    ghosts.remember(some_hash);
    settle(ghosts, items_of_line * 31 - 1);
    CHECK(ghosts.bytes() == page_bytes);
    CHECK_FALSE(ghosts.recall(some_hash));
}

TEST_CASE("as many items as the lines are worth need no more, and one more does") {
    MemoryBudget budget(64U << 20);
    MemoryShare share(budget, 0);
    Ghosts ghosts(share, {64U << 20}, 0);
    settle(ghosts, 31 * 64 - 1);
    CHECK(ghosts.bytes() == page_bytes);
    settle(ghosts, 31 * 64);
    CHECK(ghosts.bytes() == 2 * page_bytes);
}

TEST_CASE("a ghost knows which queue it left, and how many of its line came after it") {
    MemoryBudget budget(64U << 20);
    MemoryShare share(budget, 0);
    Ghosts ghosts(share, {64U << 20}, 0);
    settle(ghosts, 100);
    ghosts.remember(some_hash, true);
    for (std::uint64_t i = 1; i <= 3; ++i)
        ghosts.remember(some_hash + (i << 4));  // others of the same line
    const auto oldest = ghosts.recall(some_hash);
    REQUIRE(oldest);
    CHECK(oldest->left_main);
    CHECK(oldest->age == 3);
    const auto youngest = ghosts.recall(some_hash + (3U << 4));
    REQUIRE(youngest);
    CHECK_FALSE(youngest->left_main);
    CHECK(youngest->age == 0);
    CHECK(ghosts.remembered_since(*oldest) > ghosts.remembered_since(*youngest));
}

TEST_CASE("a key that has left twice is as young as its last ghost, and has none afterwards") {
    MemoryBudget budget(64U << 20);
    MemoryShare share(budget, 0);
    Ghosts ghosts(share, {64U << 20}, 0);
    settle(ghosts, 100);
    ghosts.remember(some_hash);
    ghosts.remember(some_hash + 16);
    ghosts.remember(some_hash, true);
    const auto ghost = ghosts.recall(some_hash);
    REQUIRE(ghost);
    CHECK(ghost->age == 0);
    CHECK(ghost->left_main);
    CHECK_FALSE(ghosts.recall(some_hash));
}

TEST_CASE("where one recall in sixteen is of an old ghost, twice as many are kept") {
    const unsigned age = GENERATE(23U, 24U);
    const unsigned old = GENERATE(7U, 8U);  // of 128
    CAPTURE(age, old);
    MemoryBudget budget(64U << 20);
    MemoryShare share(budget, 0);
    Ghosts ghosts(share, {64U << 20}, 0);
    settle(ghosts, 10'000);
    const auto once = ghosts.bytes();
    for (unsigned i = 0; i < 128; ++i) {
        ghosts.remember(some_hash);
        for (std::uint64_t younger = 1; i < old && younger <= age; ++younger)
            ghosts.remember(some_hash + (younger << 4));
        REQUIRE(ghosts.recall(some_hash));
    }
    settle(ghosts, 10'000);
    CHECK((ghosts.bytes() > once) == (age == 24 && old == 8));
}

TEST_CASE("false matches of keys that never were here do not double the ghosts") {
    MemoryBudget budget(64U << 20);
    MemoryShare share(budget, 0);
    Ghosts ghosts(share, {64U << 20}, 0);
    settle(ghosts, 10'000);
    const auto once = ghosts.bytes();
    twincached::lib::Random random(1);
    unsigned matches = 0;
    for (int i = 0; i < 500'000; ++i) {
        ghosts.remember(random.next());
        matches += ghosts.recall(random.next()) ? 1 : 0;
    }
    CHECK(matches > 2 * 128);  // they were judged
    settle(ghosts, 10'000);
    CHECK(ghosts.bytes() == once);
}
