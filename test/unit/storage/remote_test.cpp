// What the peer changes, and walks.

#include "test/unit/rounds.hpp"
#include "test/unit/storage/store_fixture.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <array>
#include <cstring>
#include <set>

namespace twincached::storage {

namespace {

// A write of the other node, so many milliseconds from the fixture's start.
Version theirs(std::uint64_t milliseconds) {
    return ((1000 + milliseconds) << 10 << 13) | (Version{1} << 11);
}

}  // namespace

TEST_CASE("of two versions of a key the higher one stays, in whatever order they come") {
    StoreFixture fixture;
    CHECK(fixture.apply("a", theirs(20), "new") == ApplyOutcome::applied);
    CHECK(fixture.apply("a", theirs(10), "old") == ApplyOutcome::outdated);
    CHECK(fixture.apply("a", theirs(20), "same") == ApplyOutcome::outdated);
    CHECK(fixture.value("a") == "new");
    CHECK(fixture.sink.events.back().cause == Cause::remote);
    CHECK(fixture.sink.events.size() == 1);
}

TEST_CASE("a write after another node's is newer, whatever the clock says") {
    StoreFixture fixture;
    fixture.apply("a", theirs(50'000), "theirs");
    fixture.set("a", "ours");
    CHECK(fixture.get("a")->version > theirs(50'000));
    CHECK(fixture.apply("a", theirs(50'000), "theirs") == ApplyOutcome::outdated);
}

TEST_CASE("what the sink knows of a key outdates a record even if the item is gone") {
    StoreFixture fixture;
    fixture.sink.known["a"] = theirs(10);
    CHECK(fixture.apply("a", theirs(9), "old") == ApplyOutcome::outdated);
    CHECK(fixture.apply("a", theirs(11), "new") == ApplyOutcome::applied);
}

TEST_CASE("nothing that is not newer than the last flush comes back") {
    StoreFixture fixture;
    fixture.store.apply_flush(theirs(10));
    CHECK(fixture.store.flush_version() == theirs(10));
    CHECK(fixture.sink.flushes.empty());
    CHECK(fixture.apply("a", theirs(10), "old") == ApplyOutcome::outdated);
    CHECK(fixture.apply("a", theirs(11), "new") == ApplyOutcome::applied);
    fixture.set("b", "ours");
    CHECK(fixture.value("b") == "ours");
}

TEST_CASE("another node's delete removes what is older and nothing else") {
    StoreFixture fixture;
    const auto erase = [&](Version version) {
        ApplyOutcome outcome{};
        const Key key = fixture.store.key("a");
        fixture.store.with_shard(fixture.store.shard_of(key.hash), [&](Shard& shard) {
            outcome = shard.apply_delete(key, version, fixture.now);
        });
        return outcome;
    };
    fixture.apply("a", theirs(10), "v");
    CHECK(erase(theirs(9)) == ApplyOutcome::outdated);
    CHECK(fixture.get("a"));
    CHECK(erase(theirs(11)) == ApplyOutcome::applied);
    CHECK_FALSE(fixture.get("a"));
}

TEST_CASE("another node's touch applies to the write that it means, else the item is wanted") {
    StoreFixture fixture;
    const auto touch = [&](Version version) {
        bool applied = false;
        const Key key = fixture.store.key("a");
        fixture.store.with_shard(fixture.store.shard_of(key.hash), [&](Shard& shard) {
            applied = shard.apply_touch(key, version, fixture.in_seconds(9), fixture.now);
        });
        return applied;
    };
    CHECK_FALSE(touch(theirs(10) | 5));
    fixture.apply("a", theirs(10), "v");
    CHECK(touch(theirs(10) | 5));
    CHECK(fixture.get("a")->expiry == fixture.in_seconds(9));
    CHECK(fixture.get("a")->version == (theirs(10) | 5));
    CHECK_FALSE(touch(theirs(11) | 5));
    CHECK(touch(theirs(9) | 5));
}

TEST_CASE("a use is told as long as eviction counts it, and then no more") {
    StoreFixture fixture;
    fixture.set("a", "1");
    CHECK(fixture.sink.hints.empty());
    for (int i = 0; i < 10; ++i)
        fixture.get("a");
    const auto hash = fixture.store.key("a").hash;
    CHECK(fixture.sink.hints == std::vector<std::uint64_t>(frequency_limit, hash));
}

TEST_CASE("every kind of use is told, and nothing that leaves no mark") {
    StoreFixture fixture;
    const auto told = [&](auto use) {
        fixture.sink.hints.clear();
        fixture.remove("a");
        fixture.set("a", "1");
        use();
        return fixture.sink.hints.size();
    };
    CHECK(told([&] { fixture.get("a"); }) == 1);
    CHECK(told([&] { fixture.read("a", {}); }) == 1);
    CHECK(told([&] {
              fixture.store.touch(fixture.store.key("a"), fixture.now, fixture.in_seconds(9));
          }) == 1);
    CHECK(told([&] { fixture.add("a", {}); }) == 1);
    Write add;
    add.mode = WriteMode::add;
    CHECK(told([&] { fixture.set("a", "2", add); }) == 1);

    Read unmarked;
    unmarked.leave_no_mark = true;
    CHECK(told([&] { fixture.read("a", unmarked); }) == 0);
    CHECK(told([&] { fixture.peek("a"); }) == 0);
    CHECK(told([&] { fixture.get("absent"); }) == 0);
    CHECK(told([&] { fixture.set("a", "2"); }) == 0);
    Read vivify;
    vivify.vivify = fixture.in_seconds(9);
    CHECK(told([&] { fixture.read("stub", vivify); }) == 0);
}

TEST_CASE("what another node's clients use is spared here, and clients see nothing of it") {
    // All are told of but every second one; then others' items push them out.
    constexpr int count = 200;
    StoreFixture fixture(small_store(8, 1));
    const auto name = [](int i) { return "k" + std::to_string(i); };
    for (int i = 0; i < count; ++i)
        fixture.set(name(i), std::string(500, 'x'));
    const auto before = fixture.peek(name(0));
    fixture.advance_seconds(5);
    for (int i = 0; i < count; i += 2)
        fixture.store.with_shard(0, [&](Shard& shard) {
            shard.apply_hint(fixture.store.key(name(i)).hash, fixture.now);
        });
    const auto after = fixture.peek(name(0));
    CHECK(after->last_access == before->last_access);
    CHECK(after->version == before->version);
    CHECK_FALSE(after->fetched);
    CHECK(fixture.sink.hints.empty());
    CHECK(fixture.sink.events.size() == count);

    for (int i = 0; i < 40'000; ++i)
        fixture.set("flood" + std::to_string(i), std::string(500, 'x'));
    int used = 0;
    int others = 0;
    for (int i = 0; i < count; ++i)
        (i % 2 == 0 ? used : others) += fixture.peek(name(i)) ? 1 : 0;
    CHECK(used > count / 2 - 5);
    CHECK(others == 0);
}

TEST_CASE("a hint of what is absent, expired or flushed changes nothing") {
    StoreFixture fixture;
    Write write;
    write.expiry = fixture.in_seconds(2);
    fixture.set("a", "1", write);
    fixture.advance_seconds(5);
    const auto events = fixture.sink.events.size();
    for (const char* key : {"a", "absent"})
        fixture.store.with_shard(
            0, [&](Shard& shard) { shard.apply_hint(fixture.store.key(key).hash, fixture.now); });
    CHECK(fixture.sink.events.size() == events);
    CHECK_FALSE(fixture.peek("a"));
}

TEST_CASE("a record that cannot be stored still removes the older item") {
    StoreFixture fixture;
    fixture.set("a", "old");
    CHECK(fixture.apply("a", theirs(10'000), std::string(2 << 20, 'x')) == ApplyOutcome::no_memory);
    CHECK_FALSE(fixture.get("a"));
    CHECK(fixture.sink.versions.empty());
}

TEST_CASE("a record keeps the marks that another node's item has") {
    StoreFixture fixture;
    Record record;
    record.client_flags = 9;
    record.expiry = fixture.in_seconds(40);
    record.explicit_cas = 77;
    record.stale = true;
    record.binary_key = true;
    fixture.apply("a", theirs(10), "v", record);
    const auto item = fixture.peek("a");
    CHECK(item->client_flags == 9);
    CHECK(item->expiry == record.expiry);
    CHECK(item->cas == 77);
    CHECK(item->explicit_cas);
    CHECK(item->stale);
    CHECK(item->binary_key);
    CHECK_FALSE(item->fetched);
}

TEST_CASE("a bucket's visit sees every item of that bucket and no other") {
    StoreFixture fixture(small_store(64, 4));
    std::size_t expected = 0;
    for (int i = 0; i < test::rounds(300'000, 50'000); ++i) {
        const std::string key = std::to_string(i);
        fixture.set(key, "v");
        expected += bucket_of(fixture.store.key(key).hash) / 256 == 77 ? 1 : 0;
    }
    std::size_t seen = 0;
    for (unsigned i = 77 * 256; i < 78 * 256; ++i) {
        const auto bucket = static_cast<BucketNumber>(i);
        fixture.store.with_shard(fixture.store.shard_of_bucket(bucket), [&](Shard& shard) {
            shard.visit_bucket(bucket, fixture.now, [&](const ItemView& item) {
                ++seen;
                REQUIRE(bucket_of(item.hash) == bucket);
            });
        });
    }
    CHECK(seen == expected);
}

TEST_CASE("a bucket's visit drops all that has expired in it, however much that is") {
    StoreFixture fixture(small_store(8, 1));
    constexpr std::size_t wanted = 35;
    // Keys of one bucket, found by trying: eight bytes, whatever they are.
    std::array<char, 8> text{};
    const auto key_of = [&](std::uint64_t number) {
        std::memcpy(text.data(), &number, sizeof number);
        return fixture.store.key({text.data(), text.size()});
    };
    std::vector<std::uint8_t> counts(bucket_count);
    std::uint64_t tried = 0;
    while (++counts[bucket_of(key_of(tried).hash)] < wanted)
        ++tried;
    const BucketNumber bucket = bucket_of(key_of(tried).hash);
    Write brief;
    brief.expiry = fixture.in_seconds(5);
    for (std::uint64_t number = 0; number <= tried; ++number)
        if (const Key key = key_of(number); bucket_of(key.hash) == bucket)
            fixture.set(key.bytes, "v", brief);
    REQUIRE(fixture.sink.versions.size() == wanted);
    fixture.advance_seconds(5);
    unsigned seen = 0;
    fixture.store.with_shard(0, [&](Shard& shard) {
        shard.visit_bucket(bucket, fixture.now, [&](const ItemView&) { ++seen; });
    });
    CHECK(seen == 0);
    CHECK(fixture.sink.versions.empty());
    CHECK(fixture.store.stats().total.expired == wanted);
}

TEST_CASE("an item is found by its hash alone") {
    StoreFixture fixture;
    fixture.set("a", "1");
    const std::uint64_t hash = fixture.store.key("a").hash;
    std::string found;
    fixture.store.with_shard(0, [&](Shard& shard) {
        CHECK(shard.peek_hash(hash, fixture.now, [&](const ItemView& item) { found = item.key; }));
        CHECK_FALSE(shard.peek_hash(hash + 1, fixture.now, [](const ItemView&) {}));
    });
    CHECK(found == "a");
}

TEST_CASE("a walk sees every item that is there all the time, while the index grows and shrinks") {
    StoreFixture fixture(small_store(64, 2));
    const auto name = [](const char* prefix, int i) { return prefix + std::to_string(i); };
    constexpr int staying = test::rounds(3000, 1000);
    for (int i = 0; i < staying; ++i)
        fixture.set(name("stays", i), "v");
    const bool growing = GENERATE(true, false);
    if (!growing)
        for (int i = 0; i < test::rounds(60'000, 12'000); ++i)
            fixture.set(name("other", i), "v");
    std::set<std::string> seen;
    std::optional<Store::Cursor> cursor = Store::Cursor{};
    for (int i = 0; cursor; ++i) {
        cursor = fixture.store.walk(*cursor, 5, fixture.now,
                                    [&](const ItemView& item) { seen.emplace(item.key); });
        for (int j = i * 100; i < 600 && j < (i + 1) * 100; ++j) {
            if (growing)
                fixture.set(name("other", j), "v");
            else
                fixture.remove(name("other", j));
        }
        if (!growing) fixture.maintain(1);
    }
    for (int i = 0; i < staying; ++i)
        REQUIRE(seen.contains(name("stays", i)));
}

TEST_CASE("both forms of the comparison of tags agree") {
    struct alignas(16) {
        TagArray tags{};
        std::uint32_t behind = 0x01010101;  // must not count
    } bucket;
    for (unsigned round = 0; round < 4096; ++round) {
        for (unsigned i = 0; i < tag_count; ++i)
            bucket.tags[i] = static_cast<std::uint8_t>(round >> i & 1);
        CHECK(match_tags(bucket.tags, 1) == match_tags_portable(bucket.tags, 1));
        CHECK(match_tags(bucket.tags, 1) == round);
    }
}

TEST_CASE("an empty store takes up another hash, not the one that it has, and none with items") {
    StoreFixture fixture(small_store(8, 2));
    const auto before = fixture.store.key("k").hash;
    CHECK_FALSE(fixture.store.rehash(lib::KeyedHash("test")));
    CHECK(fixture.store.key("k").hash == before);
    CHECK(fixture.store.rehash(lib::KeyedHash("other")));
    CHECK(fixture.store.key("k").hash != before);
    fixture.set("k", "v");
    CHECK_FALSE(fixture.store.rehash(lib::KeyedHash("test")));
    CHECK(fixture.value("k") == "v");
}

}  // namespace twincached::storage
