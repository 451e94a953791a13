// What keys can do that were chosen so that their hashes are alike.
#include "lib/random.hpp"
#include "test/unit/storage/colliding_keys.hpp"
#include "test/unit/storage/seed.hpp"
#include "test/unit/storage/store_fixture.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <string>

namespace twincached::storage {

namespace {

const std::uint64_t seed = lib::KeyedHash("test").seed();
// A bucket's twelve are never too many; the one that went beyond was the newcomer.
constexpr std::uint64_t most = 13;

std::uint64_t count_held(StoreFixture& fixture, std::uint64_t keys) {
    std::uint64_t held = 0;
    for (std::uint64_t i = 0; i < keys; ++i)
        if (fixture.peek(colliding_key(seed, i))) ++held;
    return held;
}

}  // namespace

TEST_CASE("keys can be made whose hashes are equal in all 64 bits") {
    const lib::KeyedHash hash("test");
    REQUIRE(colliding_key(seed, 1) != colliding_key(seed, 2));
    CHECK(hash(colliding_key(seed, 1)) == hash(colliding_key(seed, 2)));
    CHECK(lib::KeyedHash("other")(colliding_key(seed, 1)) !=
          lib::KeyedHash("other")(colliding_key(seed, 2)));
}

TEST_CASE("of keys of one hash the newcomer takes the place of the one unused for longest") {
    StoreFixture fixture;
    fixture.set(colliding_key(seed, 0), "read again and again");
    std::uint64_t stored = 1;
    for (; stored < 100; ++stored) {
        fixture.advance_seconds(1);
        REQUIRE(fixture.get(colliding_key(seed, 0)));
        REQUIRE(fixture.set(colliding_key(seed, stored), "v").outcome == WriteOutcome::stored);
        REQUIRE(fixture.value(colliding_key(seed, stored)) == "v");
    }
    const auto stats = fixture.store.stats();
    CHECK(stats.total.items == most);
    CHECK(fixture.value(colliding_key(seed, 0)) == "read again and again");
    for (std::uint64_t i = stored - (most - 1); i < stored; ++i)
        CHECK(fixture.value(colliding_key(seed, i)) == "v");
    CHECK(stats[Work::crowded_out] == stored - most);
    CHECK(stats.total.evicted == stored - most);
    CHECK(fixture.sink.contradictions == 0);
    CHECK(fixture.sink.versions.size() == most);
}

TEST_CASE("40,000 keys of one hash cost no look-up more than a few items") {
    StoreFixture fixture;
    constexpr std::uint64_t keys = 40'000;
    for (std::uint64_t i = 0; i < keys; ++i)
        REQUIRE(fixture.set(colliding_key(seed, i), "v").outcome == WriteOutcome::stored);
    CHECK(fixture.store.stats().total.items <= most);
    CHECK(count_held(fixture, keys) == fixture.store.stats().total.items);
    std::size_t alike = 0;
    fixture.store.with_shard(0, [&](Shard& shard) {
        shard.table().find_hash(fixture.store.key(colliding_key(seed, 0)).hash,
                                [&](Item&) { ++alike; });
    });
    CHECK(alike <= 16);
}

TEST_CASE("keys of one hash that other nodes and restarts bring are as few") {
    StoreFixture fixture;
    for (std::uint64_t i = 0; i < 100; ++i) {
        const auto key = colliding_key(seed, i);
        CHECK(fixture.apply(key, (i + 1) << 13, "from another node") == ApplyOutcome::applied);
        SavedItem saved;
        const auto name = colliding_key(seed, 1000 + i);
        saved.key = name;
        saved.value = "restored";
        saved.version = (i + 1) << 13;
        CHECK(fixture.store.restore(saved, fixture.now) == RestoreOutcome::restored);
    }
    CHECK(fixture.store.stats().total.items == most);
    CHECK(fixture.sink.contradictions == 0);
}

TEST_CASE("where nothing may be evicted a newcomer of a crowded hash is refused") {
    auto options = small_store();
    options.evict = false;
    StoreFixture fixture(options);
    std::uint64_t stored = 0;
    while (fixture.set(colliding_key(seed, stored), "v").outcome == WriteOutcome::stored)
        REQUIRE(++stored < 100);
    CHECK(stored == most);
    CHECK(fixture.set(colliding_key(seed, 99), "v").outcome == WriteOutcome::no_memory);
    CHECK(fixture.set(colliding_key(seed, 3), "another").outcome == WriteOutcome::stored);
    CHECK(count_held(fixture, 100) == most);
    CHECK(fixture.store.stats()[Work::crowded_out] == 0);
    CHECK(fixture.set("of another hash", "v").outcome == WriteOutcome::stored);
}

TEST_CASE("a crowd among other keys costs these nothing and the books nothing") {
    StoreFixture fixture(small_store(2));
    lib::Random random(seed_of("crowd"));
    for (int i = 0; i < 20'000; ++i) {
        const bool crowds = random.one_in(2);
        const auto key = crowds ? colliding_key(seed, random.below(200))
                                : "key " + std::to_string(random.below(5000));
        if (random.one_in(10))
            (void)fixture.remove(key);
        else
            fixture.set(key, std::string(random.below(200), 'v'));
        if (random.one_in(1000)) fixture.maintain(2);
    }
    const auto stats = fixture.store.stats();
    CHECK(stats[Work::crowded_out] > 0);
    CHECK(stats.total.items == fixture.sink.versions.size());
    CHECK(fixture.sink.contradictions == 0);
    for (const auto& [key, version] : fixture.sink.versions) {
        const auto item = fixture.peek(key);
        REQUIRE(item);
        REQUIRE(item->version == version);
    }
}

}  // namespace twincached::storage
