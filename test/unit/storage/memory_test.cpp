// The limit, large values, expiry, flushes: what becomes of memory.

#include "test/unit/rounds.hpp"
#include "test/unit/storage/store_fixture.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <chrono>
#include <set>

namespace twincached::storage {

TEST_CASE("an item grows by 8000 appends to 120 kB in 48 MB, and none fails") {
    StoreFixture fixture(small_store(48, 0));
    fixture.set("a", "");
    Write write;
    for (int i = 0; i < 8000; ++i) {
        write.mode = i % 2 == 0 ? WriteMode::append : WriteMode::prepend;
        REQUIRE(fixture.set("a", "fifteen letters", write).outcome == WriteOutcome::stored);
    }
    CHECK(fixture.get("a")->value.size() == 120'000);
}

TEST_CASE("a hundred values of 600 kB are stored in 48 MB, and most of 48 MB is used") {
    StoreFixture fixture(small_store(48, 0));
    for (int i = 0; i < 100; ++i)
        REQUIRE(fixture.set("k" + std::to_string(i), std::string(600'000, 'x')).outcome ==
                WriteOutcome::stored);
    CHECK(fixture.store.stats().total.items > 65);
    CHECK(fixture.store.stats().memory_used <= fixture.store.memory_limit());
}

TEST_CASE("what takes more than 4 MiB lies far from a core, and less does not") {
    StoreFixture fixture(small_store(32));
    fixture.set("some", std::string(900'000, 'v'));
    CHECK_FALSE(fixture.store.is_far());
    for (int i = 0; i < 6; ++i)
        fixture.set("more" + std::to_string(i), std::string(900'000, 'v'));
    CHECK(fixture.store.is_far());
}

TEST_CASE("small items are worth more than a few large ones") {
    StoreFixture fixture(small_store(16, 1));
    for (int i = 0; i < 20'000; ++i)
        fixture.set("small" + std::to_string(i), "value");
    for (int round = 0; round < 2; ++round)
        for (int i = 0; i < 20'000; ++i)
            fixture.get("small" + std::to_string(i));
    for (int i = 0; i < 200; ++i)
        fixture.set("large" + std::to_string(i), std::string(500'000, 'x'));
    unsigned left = 0;
    for (int i = 0; i < 20'000; ++i)
        left += fixture.get("small" + std::to_string(i)) ? 1 : 0;
    CHECK(left > 19'000);
}

TEST_CASE("what is read all the time stays, wherever in its slab it lies") {
    StoreFixture fixture(small_store(8, 1));
    constexpr int hot = test::rounds(1000, 500);
    const std::string value(200, 'x');
    const auto name = [](int i) { return "hot" + std::to_string(i); };
    for (int i = 0; i < hot; ++i)
        fixture.set(name(i), value);
    unsigned lost = 0;
    for (int round = 0; round < test::rounds(100, 75); ++round) {
        for (int i = 0; i < hot; ++i)
            lost += fixture.get(name(i)) ? 0 : 1;
        for (int i = 0; i < 1000; ++i)
            fixture.set("cold" + std::to_string(round * 1000 + i), value);
        for (int i = 0; i < hot; ++i)
            fixture.get(name(i));
    }
    REQUIRE(fixture.store.stats().total.evicted > test::rounds(50'000U, 30'000U));
    CHECK(lost == 0);
}

TEST_CASE("a value may be much larger than a shard's part of the memory") {
    StoreOptions options = small_store(64, 8);
    options.item_size_limit_bytes = 1 << 30;
    StoreFixture fixture(options);
    for (int i = 0; i < 22'000; ++i)
        fixture.set("small" + std::to_string(i), std::string(3000, 'x'));
    const std::string value(40 << 20, 'y');
    CHECK(fixture.set("huge", value).outcome == WriteOutcome::stored);
    CHECK(fixture.value("huge") == value);
    CHECK(fixture.store.stats().memory_used <= fixture.store.memory_limit());
    CHECK(fixture.set("more", std::string(65 << 20, 'z')).outcome == WriteOutcome::no_memory);
}

TEST_CASE("what another node sends may be large, too") {
    StoreOptions options = small_store(64, 4);
    options.item_size_limit_bytes = 64 << 20;
    StoreFixture fixture(options);
    for (int i = 0; i < 22'000; ++i)
        fixture.set("small" + std::to_string(i), std::string(3000, 'x'));
    const std::string value(30 << 20, 'y');
    Record record;
    record.key = fixture.store.key("huge");
    record.version = (fixture.now.version_ms + 1) << 23;
    record.value = value;
    CHECK(fixture.store.apply(record, fixture.now) == ApplyOutcome::applied);
    CHECK(fixture.value("huge") == value);
    CHECK(fixture.apply("other", record.version, std::string(300'000, 'z')) ==
          ApplyOutcome::applied);
}

TEST_CASE("where nothing may be evicted, a full store refuses, and what it has stays") {
    StoreOptions options = small_store(2, 0);
    options.evict = false;
    StoreFixture fixture(options);
    std::vector<std::string> stored;
    unsigned refused = 0;
    for (int i = 0; refused < 50; ++i) {
        const std::string key = "key" + std::to_string(i);
        const auto outcome = fixture.set(key, std::string(1000, 'x')).outcome;
        if (outcome == WriteOutcome::stored)
            stored.push_back(key);
        else
            ++refused;
    }
    CHECK(stored.size() > 1600);
    for (const std::string& key : stored)
        REQUIRE(fixture.get(key));
    const StoreStats stats = fixture.store.stats();
    CHECK(stats.total.no_memory == refused);
    CHECK(stats.total.evicted == 0);
    SECTION("an overwrite of the same size always finds room") {
        for (int round = 0; round < 3; ++round)
            for (const std::string& key : stored)
                REQUIRE(fixture.set(key, std::string(1000, 'y')).outcome == WriteOutcome::stored);
    }
    SECTION("what is deleted makes room") {
        for (std::size_t i = 0; i < stored.size(); i += 2)
            fixture.remove(stored[i]);
        unsigned again = 0;
        for (int i = 0; i < 700; ++i)
            again += fixture.set("new" + std::to_string(i), std::string(1000, 'x')).outcome ==
                             WriteOutcome::stored
                         ? 1
                         : 0;
        CHECK(again > 650);
    }
}

TEST_CASE("a pinned value stays readable when its item is overwritten, deleted and evicted") {
    StoreFixture fixture(small_store(8, 2));
    const std::string value(300'000, 'p');
    fixture.set("a", value);
    PinnedValue pin;
    fixture.store.get(fixture.store.key("a"), fixture.now, [&](const ItemView& item) {
        REQUIRE(item.pinnable);
        pin = fixture.store.pin(item);
    });
    fixture.set("a", std::string(300'000, 'q'));
    fixture.remove("a");
    for (int i = 0; i < 100; ++i)
        fixture.set("k" + std::to_string(i), std::string(200'000, 'r'));
    CHECK(pin.bytes() == value);
    CHECK(fixture.store.stats().pinned <= 1);
    pin = PinnedValue();
    fixture.maintain();
    CHECK(fixture.store.stats().memory_used <= fixture.store.memory_limit());
}

TEST_CASE("a pinned value does not change while its item grows") {
    StoreFixture fixture(small_store(8, 1));
    fixture.set("a", std::string(100'000, 'p'));
    PinnedValue pin;
    Write append;
    append.mode = WriteMode::append;
    for (int i = 0; i < 50; ++i) {
        fixture.set("a", std::string(500, 'q'), append);
        if (i != 20) continue;
        fixture.store.get(fixture.store.key("a"), fixture.now,
                          [&](const ItemView& item) { pin = fixture.store.pin(item); });
    }
    CHECK(pin.bytes() == std::string(100'000, 'p') + std::string(10'500, 'q'));
    CHECK(fixture.get("a")->value.size() == 125'000);
}

TEST_CASE("a reservation that is not used gives its memory back") {
    StoreFixture fixture;
    {
        const ValueReservation place = fixture.store.reserve(1'000'000, fixture.now);
        REQUIRE(place);
        CHECK(place.bytes().size() == 1'000'000);
        CHECK(fixture.store.stats().extent_bytes >= 1'000'000);
    }
    fixture.store.set_memory_limit(1 << 20);
    fixture.maintain();
    CHECK(fixture.store.stats().extent_bytes == 0);
    CHECK_FALSE(fixture.store.reserve(100 << 20, fixture.now));
}

TEST_CASE("values that are still arriving hold half of the limit at most") {
    StoreFixture fixture;
    fixture.set("kept", "safe");
    std::vector<ValueReservation> arriving;
    for (int i = 0; i < 200; ++i)
        arriving.push_back(fixture.store.reserve(1'000'000, fixture.now));
    std::uint64_t granted = 0;
    for (const auto& value : arriving)
        granted += value.bytes().size();
    CHECK(granted > fixture.store.memory_limit() / 4);
    CHECK(granted <= fixture.store.memory_limit() / 2);

    CHECK(fixture.get("kept").has_value());
    CHECK(fixture.set("small", "value").outcome == WriteOutcome::stored);
    arriving.clear();
    CHECK(fixture.store.reserve(1'000'000, fixture.now));
}

TEST_CASE(
    "values that are still arriving hold half of the limit to the byte, but for a single one") {
    StoreFixture fixture;
    const std::uint64_t half = fixture.store.memory_limit() / 2;
    const ValueReservation first = fixture.store.reserve(100'000, fixture.now);
    REQUIRE(first);
    CHECK_FALSE(fixture.store.reserve(half - 100'000 + 1, fixture.now));
    const ValueReservation second = fixture.store.reserve(half - 100'000, fixture.now);
    CHECK(second);
    CHECK_FALSE(fixture.store.reserve(10'000, fixture.now));
    SECTION("one alone may be larger") {
        StoreFixture other;
        CHECK(other.store.reserve(half + half / 2, other.now));
    }
}

TEST_CASE("a value of more than a sixteenth of a slab can be pinned, others are copied") {
    StoreFixture fixture;
    constexpr std::size_t most = (128 << 10) / 16;
    fixture.set("small", std::string(most, 'x'));
    fixture.set("large", std::string(most + 1, 'x'));
    CHECK_FALSE(fixture.store.is_large(most));
    CHECK(fixture.store.is_large(most + 1));
    CHECK_FALSE(fixture.get("small")->pinnable);
    CHECK(fixture.get("large")->pinnable);
    fixture.store.get(fixture.store.key("small"), fixture.now, [&](const ItemView& item) {
        CHECK(fixture.store.pin(item).bytes().empty());
    });
}

TEST_CASE("a large value that is being sent survives eviction, and so do the marks of its item") {
    StoreFixture fixture(small_store(8, 1));
    const std::string value(300'000, 'p');
    fixture.set("sent", value);
    PinnedValue pin;
    fixture.store.peek(fixture.store.key("sent"), fixture.now,
                       [&](const ItemView& item) { pin = fixture.store.pin(item); });
    for (int i = 0; i < 40'000; ++i)
        fixture.set("k" + std::to_string(i), std::string(500, 'x'));
    REQUIRE(fixture.store.stats().total.evicted > 20'000);
    const auto item = fixture.peek("sent");
    REQUIRE(item);
    CHECK(item->value == value);
    CHECK_FALSE(item->stale);
    CHECK_FALSE(item->won);
    CHECK_FALSE(item->fetched);
}

TEST_CASE("what has expired is gone for readers at once, and from memory within three seconds") {
    StoreFixture fixture;
    Write write;
    write.expiry = fixture.in_seconds(2);
    for (int i = 0; i < 10; ++i)
        fixture.set("k" + std::to_string(i), "v", write);
    fixture.set("stays", "v");
    fixture.advance_seconds(2);
    CHECK_FALSE(fixture.get("k0"));
    CHECK(fixture.store.stats().total.items == 10);
    for (int i = 0; i < 30; ++i) {
        fixture.now.steady_ms += 100;
        fixture.store.maintain(fixture.now);
    }
    const StoreStats stats = fixture.store.stats();
    CHECK(stats.total.items == 1);
    CHECK(stats.total.expired == 10);
    CHECK(stats.total.expired_unfetched == 10);
    CHECK(fixture.sink.versions.size() == 1);
    CHECK(fixture.sink.events.back().cause == Cause::expired);
}

TEST_CASE("items that expire together free their slabs together") {
    StoreFixture fixture(small_store(64, 1));
    Write write;
    write.expiry = fixture.in_seconds(30);
    for (int i = 0; i < 25'000; ++i) {
        fixture.set("short" + std::to_string(i), std::string(400, 'x'), write);
        fixture.set("long" + std::to_string(i), std::string(400, 'x'));
    }
    const std::uint64_t before = fixture.store.stats().slab_bytes;
    fixture.advance_seconds(31);
    for (int i = 0; i < 30; ++i) {
        fixture.now.steady_ms += 100;
        fixture.maintain(5);
    }
    const StoreStats stats = fixture.store.stats();
    CHECK(stats.total.items == 25'000);
    CHECK(stats.slab_bytes < before * 55 / 100);
    CHECK(stats[Work::bytes_copied] == 0);
}

TEST_CASE("a miss says whether the item was never there, expired, or was flushed") {
    StoreFixture fixture;
    const auto miss = [&](std::string_view key) { return fixture.read(key, {}).result.miss; };
    Write write;
    write.expiry = fixture.in_seconds(1);
    fixture.set("expired", "v", write);
    fixture.advance_seconds(1);
    fixture.set("flushed", "v");
    CHECK(miss("absent") == Miss::absent);
    CHECK(miss("expired") == Miss::expired);
    fixture.store.flush(fixture.now);
    CHECK(miss("flushed") == Miss::flushed);
    CHECK(miss("flushed") == Miss::absent);
}

TEST_CASE("a flush takes everything that was stored before it and nothing that comes after") {
    StoreFixture fixture(small_store(16, 4));
    for (int i = 0; i < 1000; ++i)
        fixture.set("k" + std::to_string(i), "v");
    fixture.store.flush(fixture.now);
    CHECK(fixture.walk_keys().empty());
    for (int i = 0; i < 10; ++i)
        fixture.set("k" + std::to_string(i), "v");
    CHECK(fixture.walk_keys().size() == 10);
    fixture.maintain();
    CHECK(fixture.store.stats().total.items == 10);
    CHECK(fixture.sink.versions.size() == 10);
    CHECK(fixture.sink.flushes.size() == 1);
    CHECK(fixture.store.stats().total.evicted == 0);
}

TEST_CASE("a flush works for a node alone, whose versions are a plain counter") {
    StoreOptions options = small_store(16, 4);
    options.node.reset();
    StoreFixture fixture(options);
    CHECK(fixture.set("a", "1").cas == 1);
    for (int i = 0; i < 100; ++i)
        fixture.set("k" + std::to_string(i), "v");
    fixture.store.flush(fixture.now);
    CHECK(fixture.walk_keys().empty());
    for (int i = 0; i < 100; ++i)
        fixture.set("k" + std::to_string(i), "v");
    CHECK(fixture.walk_keys().size() == 100);
}

TEST_CASE("a flush that was asked for later comes then, once, from the node that was asked") {
    StoreFixture fixture;
    fixture.set("a", "1");
    fixture.store.schedule_flush(fixture.now.steady_ms + 2000, fixture.now);
    REQUIRE(fixture.sink.schedules.size() == 1);
    CHECK(fixture.store.flush_schedule().at_steady_ms == fixture.now.steady_ms + 2000);
    fixture.advance_seconds(1);
    fixture.maintain();
    CHECK(fixture.get("a"));
    fixture.advance_seconds(1);
    fixture.maintain();
    CHECK_FALSE(fixture.get("a"));
    CHECK(fixture.sink.flushes.size() == 1);
    CHECK(fixture.store.flush_schedule().at_steady_ms == 0);
}

TEST_CASE("R14b: a flush that was asked for later comes also where there was one before") {
    StoreFixture fixture;
    fixture.store.flush(fixture.now);
    fixture.set("a", "1");
    const auto written = fixture.sink.versions.at("a");
    fixture.store.schedule_flush(fixture.now.steady_ms + 1000, fixture.now);
    CHECK(fixture.store.flush_schedule().version > written);
    fixture.now.steady_ms += 999;
    fixture.maintain();
    CHECK(fixture.get("a"));
    fixture.now.steady_ms += 1;
    fixture.maintain();
    CHECK_FALSE(fixture.get("a"));
}

TEST_CASE("a flush that another node was asked for is fired at once only by one that is alone") {
    StoreFixture fixture;
    fixture.set("a", "1");
    const Version version = (fixture.now.version_ms + 5) << 23;
    fixture.store.apply_flush_schedule(fixture.now.steady_ms + 1000, version);
    fixture.store.apply_flush_schedule(fixture.now.steady_ms + 9000, version - 1);
    fixture.sink.is_alone = GENERATE(true, false);
    fixture.advance_seconds(2);
    fixture.maintain();
    CHECK(fixture.get("a").has_value() != fixture.sink.is_alone);
}

TEST_CASE("R14b: a node that hears its own request from another fires it in time all the same") {
    StoreFixture fixture;
    fixture.set("a", "1");
    fixture.store.schedule_flush(fixture.now.steady_ms + 1000, fixture.now);
    const auto own = fixture.store.flush_schedule();
    fixture.store.apply_flush_schedule(own.at_steady_ms, own.version);
    fixture.advance_seconds(1);
    fixture.maintain();
    CHECK_FALSE(fixture.get("a"));
    // One that is newer by however little is another's.
    fixture.set("a", "2");
    fixture.store.schedule_flush(fixture.now.steady_ms + 1000, fixture.now);
    const auto next = fixture.store.flush_schedule();
    fixture.store.apply_flush_schedule(next.at_steady_ms, next.version + 1);
    fixture.advance_seconds(1);
    fixture.maintain();
    CHECK(fixture.get("a"));
}

TEST_CASE("R14b: a peer that does not fire what it was asked for is not waited for for ever") {
    StoreFixture fixture;
    fixture.set("a", "1");
    const Version version = (fixture.now.version_ms + 5) << 23;
    fixture.store.apply_flush_schedule(fixture.now.steady_ms + 1000, version);
    fixture.advance_seconds(10);
    fixture.maintain();
    CHECK(fixture.get("a"));
    fixture.advance_seconds(2);
    fixture.maintain();
    CHECK_FALSE(fixture.get("a"));
    CHECK(fixture.sink.flushes.size() == 1);
}

TEST_CASE("R14b: another node is waited for ten seconds to the millisecond") {
    StoreFixture fixture;
    fixture.set("a", "1");
    const Version version = (fixture.now.version_ms + 5) << 23;
    const std::uint64_t due = fixture.now.steady_ms + 1000;
    fixture.store.apply_flush_schedule(due, version);
    fixture.now.steady_ms = due + 9999;
    fixture.maintain();
    CHECK(fixture.sink.flushes.empty());
    fixture.now.steady_ms = due + 10'000;
    fixture.maintain();
    CHECK(fixture.sink.flushes.size() == 1);
}

TEST_CASE("R14b: a flush that was fired on one node is not fired again on the other") {
    StoreFixture fixture;
    const Version version = (fixture.now.version_ms + 5) << 23;
    fixture.store.apply_flush_schedule(fixture.now.steady_ms + 1000, version);
    fixture.advance_seconds(1);
    fixture.store.apply_flush(version + (1U << 13));
    fixture.set("written since", "1");
    fixture.sink.is_alone = true;  // the link was lost meanwhile
    fixture.advance_seconds(1);
    fixture.maintain();
    CHECK(fixture.get("written since"));
    CHECK(fixture.sink.flushes.empty());
    CHECK(fixture.store.flush_schedule().at_steady_ms == 0);
}

TEST_CASE("R14b: a flush is later than what was scheduled before it, on each node") {
    StoreFixture fixture;
    for (unsigned i = 0; i < 3; ++i)
        fixture.store.schedule_flush(fixture.now.steady_ms + 2000, fixture.now);
    fixture.store.apply_flush_schedule(fixture.now.steady_ms + 9000, Version{1} << 62);
    fixture.store.flush(fixture.now);
    CHECK(fixture.store.flush_version() > Version{1} << 62);
}

TEST_CASE("a flush at once takes an earlier request for a later one back") {
    StoreFixture fixture;
    fixture.store.schedule_flush(fixture.now.steady_ms + 2000, fixture.now);
    fixture.store.flush(fixture.now);
    REQUIRE(fixture.sink.schedules.size() == 2);
    CHECK(fixture.sink.schedules[1].first == 0);
    CHECK(fixture.sink.schedules[1].second > fixture.sink.schedules[0].second);
}

TEST_CASE("a lower limit is reached in steps, and the hottest items survive") {
    StoreFixture fixture(small_store(64, 2));
    for (int i = 0; i < 25'000; ++i)
        fixture.set("k" + std::to_string(i), std::string(1600, 'x'));
    for (int round = 0; round < 3; ++round)
        for (int i = 0; i < 1250; ++i)
            fixture.get("k" + std::to_string(i));
    fixture.store.set_memory_limit(16 << 20);
    for (int i = 0; i < 200; ++i)
        fixture.store.maintain(fixture.now);
    const StoreStats stats = fixture.store.stats();
    CHECK(stats.memory_used <= stats.memory_limit);
    unsigned hot = 0;
    for (int i = 0; i < 1250; ++i)
        hot += fixture.get("k" + std::to_string(i)) ? 1 : 0;
    CHECK(hot > 1225);
}

TEST_CASE("a key that comes back soon after its eviction goes straight to the main queue") {
    StoreFixture fixture(small_store(8, 1));
    const auto flood = [&](int from, int count) {
        for (int i = from; i < from + count; ++i)
            fixture.set("flood" + std::to_string(i), std::string(500, 'x'));
    };
    flood(0, 20'000);
    fixture.set("back", std::string(500, '1'));
    flood(20'000, 8'000);
    REQUIRE_FALSE(fixture.get("back"));
    fixture.set("back", std::string(500, '2'));
    flood(40'000, 3000);
    CHECK(fixture.get("back"));
}

TEST_CASE("an item that never expires costs less than 34 bytes beyond its key and value") {
    StoreFixture fixture(small_store(256, 0));
    const int items = test::rounds(300'000, 100'000);
    for (int i = 0; i < items; ++i) {
        std::string key = "key:0000000000";
        std::string number = std::to_string(i);
        std::copy(number.begin(), number.end(), key.end() - static_cast<long>(number.size()));
        fixture.set(key, std::string(32, 'x'));
    }
    const StoreStats stats = fixture.store.stats();
    CHECK(stats.total.items == items);
    CHECK(static_cast<double>(stats.memory_used) / items < 34 + 14 + 32);
}

TEST_CASE("items are accounted and classed as memcached does it") {
    const SizeClasses classes(1.25, 48);
    CHECK(classes.count() == 39);
    CHECK(classes.chunk_bytes(1) == 96);
    CHECK(classes.chunk_bytes(12) == 1184);
    CHECK(classes.chunk_bytes(31) == 82'792);
    CHECK(classes.chunk_bytes(38) == 394'840);
    CHECK(classes.chunk_bytes(39) == 524'288);
    CHECK(classes.of(96) == 1);
    CHECK(classes.of(97) == 2);
    CHECK(classes.of(1'000'000) == 39);
    CHECK(accounted_bytes(1, 1, 0) == 61);
    CHECK(accounted_bytes(1, 1, 7) == 65);
    CHECK(SizeClasses(2.0, 48).chunk_bytes(2) == 192);
    CHECK(SizeClasses(1.01, 48).count() <= 63);
    StoreFixture fixture;
    fixture.set("k", std::string(67'000, 'x'));
    fixture.set("s", "1");
    const StoreStats stats = fixture.store.stats();
    CHECK(stats.classes[31].items == 1);
    CHECK(stats.classes[1].items == 1);
    CHECK(stats.total.bytes == 67'060 + 61);
    CHECK(stats[Work::items_stored] == 2);
}

TEST_CASE("no store has more shards than its memory is good for") {
    auto options = default_store_options();
    options.threads = 4;
    const auto count = [&](std::uint64_t mebibytes) {
        options.memory_limit_bytes = mebibytes << 20;
        return planned_shard_count(options);
    };
    CHECK(count(2) == 1);
    CHECK(count(64) == 4);
    CHECK(count(1024) == 8);
    CHECK(count(1024 * 1024) == 64);
    RecordingSink sink;
    options.memory_limit_bytes = 64 << 20;
    CHECK(Store(options, lib::KeyedHash(), sink).shard_count() == 4);
}

TEST_CASE("a store knows when it was flushed, by a client or by another node") {
    StoreFixture fixture(small_store(16, 1));
    fixture.store.maintain(fixture.now);
    CHECK(fixture.store.last_flush() == 0);
    fixture.store.flush(fixture.now);
    CHECK(fixture.store.last_flush() == fixture.now.tick());
    const auto first = fixture.store.flush_version();
    fixture.now.steady_ms += 5000;
    fixture.store.maintain(fixture.now);
    fixture.store.apply_flush(first);
    CHECK(fixture.store.last_flush() == fixture.now.tick() - 5);
    fixture.store.apply_flush(first + 1);
    CHECK(fixture.store.last_flush() == fixture.now.tick());
}

TEST_CASE("a store that has nothing to do is looked at ten times a second, a busy one at once") {
    using std::chrono::milliseconds;
    StoreFixture fixture;
    CHECK(fixture.store.maintain(fixture.now) == milliseconds(100));
    int items = 0;
    const auto grow = [&] {
        do
            fixture.set("k" + std::to_string(items++), "v");
        while (items < 2600 || !fixture.store.stats().index_is_growing);
    };
    grow();
    CHECK(fixture.store.maintain(fixture.now) == milliseconds(100));
    CHECK_FALSE(fixture.store.stats().index_is_growing);  // in several steps of one call
    Write expiring;
    expiring.expiry = fixture.in_seconds(1);
    for (int i = 0; i < 1500; ++i)
        fixture.set("e" + std::to_string(i), std::string(3000, 'x'), expiring);
    fixture.maintain();
    fixture.advance_seconds(2);
    CHECK(fixture.store.maintain(fixture.now) == milliseconds(2));
    fixture.maintain();
    CHECK(fixture.store.maintain(fixture.now) == milliseconds(100));
}

TEST_CASE("a value that no memory could hold takes nobody's place") {
    StoreFixture fixture;
    const auto limit = fixture.store.memory_limit();
    for (int i = 0; i < 100; ++i)
        fixture.set("k" + std::to_string(i), std::string(1000, 'x'));
    CHECK_FALSE(fixture.store.reserve(limit + 1, fixture.now));
    CHECK(fixture.store.stats().total.items == 100);
}

TEST_CASE("a shard that has its part of the memory makes room itself, and asks no other") {
    StoreFixture fixture(small_store(2, 1));
    for (int i = 0; i < 4000; ++i)
        REQUIRE(fixture.set("k" + std::to_string(i), std::string(600, 'x')).outcome ==
                WriteOutcome::stored);
    const auto stats = fixture.store.stats();
    REQUIRE(stats.total.evicted > 1000);
    CHECK(stats[Work::direct_reclaims] > 0);
}

TEST_CASE(
    "a shard that is filled late has its part of the memory from the others, not from its own") {
    StoreFixture fixture(small_store(8, 2));
    int number = 0;
    const auto fill = [&](unsigned shard, int count) {
        std::vector<std::string> keys;
        while (static_cast<int>(keys.size()) < count) {
            auto key = "k" + std::to_string(number++);
            if (fixture.store.shard_of(fixture.store.key(key).hash) == shard)
                keys.push_back(std::move(key));
        }
        for (const auto& key : keys)
            REQUIRE(fixture.set(key, std::string(2000, 'x')).outcome == WriteOutcome::stored);
        return keys;
    };
    fill(0, 4500);
    REQUIRE(fixture.store.stats().total.evicted > 0);
    unsigned kept = 0;
    for (const auto& key : fill(1, 1000))
        kept += fixture.get(key) ? 1 : 0;
    CHECK(kept == 1000);
}

TEST_CASE("a limit that no machine can address is refused with a sentence") {
    auto options = default_store_options();
    options.memory_limit_bytes = std::uint64_t{1} << 60;
    RecordingSink sink;
    CHECK_THROWS_WITH(Store(options, lib::KeyedHash(), sink),
                      Catch::StartsWith("limit (-m): there is no address space for 1099511627776 "
                                        "MiB"));
}

}  // namespace twincached::storage
