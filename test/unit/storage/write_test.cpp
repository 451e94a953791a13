// Storing, removing and counting: what clients are answered and what the peer hears of it.

#include "test/unit/storage/store_fixture.hpp"

#include <catch2/catch.hpp>

#include <algorithm>

namespace twincached::storage {

namespace {

Write with_mode(WriteMode mode) {
    Write write;
    write.mode = mode;
    return write;
}
Write with_cas(std::uint64_t cas) {
    Write write;
    write.compare_cas = cas;
    return write;
}
Remove invalidation() {
    Remove remove;
    remove.invalidate = true;
    return remove;
}

}  // namespace

TEST_CASE("what was set is read, with its flags and a CAS unique") {
    StoreFixture fixture;
    Write write;
    write.client_flags = 7;
    const auto result = fixture.set("name", "Mizu", write);
    CHECK(result.outcome == WriteOutcome::stored);
    CHECK(result.size == 4);
    const auto item = fixture.get("name");
    REQUIRE(item);
    CHECK(item->value == "Mizu");
    CHECK(item->client_flags == 7);
    CHECK(item->cas == result.cas);
    CHECK(item->cas == cas_of(item->version));
}

TEST_CASE("add stores only what is absent, replace only what is there") {
    StoreFixture fixture;
    CHECK(fixture.set("a", "1", with_mode(WriteMode::replace)).outcome == WriteOutcome::not_stored);
    CHECK(fixture.set("a", "1", with_mode(WriteMode::add)).outcome == WriteOutcome::stored);
    CHECK(fixture.set("a", "2", with_mode(WriteMode::add)).outcome == WriteOutcome::not_stored);
    CHECK(fixture.set("a", "3", with_mode(WriteMode::replace)).outcome == WriteOutcome::stored);
    CHECK(fixture.value("a") == "3");
}

TEST_CASE("append and prepend keep flags and expiry") {
    StoreFixture fixture;
    Write write;
    write.client_flags = 5;
    write.expiry = fixture.in_seconds(100);
    fixture.set("a", "b", write);
    Write append = with_mode(WriteMode::append);
    append.client_flags = 9;
    CHECK(fixture.set("a", "c", append).size == 2);
    CHECK(fixture.set("a", "a", with_mode(WriteMode::prepend)).size == 3);
    const auto item = fixture.get("a");
    CHECK(item->value == "abc");
    CHECK(item->client_flags == 5);
    CHECK(item->expiry == write.expiry);
    CHECK(fixture.set("b", "c", append).outcome == WriteOutcome::not_stored);
}

TEST_CASE("a value that was received ahead is appended or prepended to what is there") {
    for (const auto mode : {WriteMode::append, WriteMode::prepend}) {
        StoreFixture fixture;
        fixture.set("k", "old");
        const std::string more(100'000, 'x');
        auto reserved = fixture.store.reserve(more.size(), fixture.now);
        REQUIRE(reserved);
        std::copy(more.begin(), more.end(), reserved.bytes().begin());
        const auto result = fixture.store.write(fixture.store.key("k"), fixture.now,
                                                with_mode(mode), std::move(reserved));
        CHECK(result.outcome == WriteOutcome::stored);
        CHECK(fixture.value("k") == (mode == WriteMode::append ? "old" + more : more + "old"));
    }
}

TEST_CASE("append may create the item if it is asked to") {
    StoreFixture fixture;
    Write append = with_mode(WriteMode::append);
    append.vivify = fixture.in_seconds(30);
    CHECK(fixture.set("a", "x", append).outcome == WriteOutcome::stored);
    CHECK(fixture.get("a")->expiry == fixture.in_seconds(30));
}

TEST_CASE("cas stores only if the item is still the one that was read") {
    StoreFixture fixture;
    CHECK(fixture.set("a", "1", with_cas(1)).outcome == WriteOutcome::not_found);
    const auto cas = fixture.set("a", "1").cas;
    CHECK(fixture.set("a", "2", with_cas(cas + 1)).outcome == WriteOutcome::exists);
    CHECK(fixture.set("a", "2", with_cas(cas)).outcome == WriteOutcome::stored);
    CHECK(fixture.set("a", "3", with_cas(cas)).outcome == WriteOutcome::exists);
    CHECK(fixture.value("a") == "2");
}

TEST_CASE("an explicit CAS is shown and compared, and is not the version") {
    StoreFixture fixture;
    Write write;
    write.explicit_cas = 18446744073709551615U;
    CHECK(fixture.set("a", "1", write).cas == *write.explicit_cas);
    CHECK(fixture.get("a")->cas == *write.explicit_cas);
    CHECK(fixture.get("a")->version < (Version{1} << 60));
    CHECK(fixture.set("a", "2", with_cas(*write.explicit_cas)).outcome == WriteOutcome::stored);
    CHECK_FALSE(fixture.get("a")->explicit_cas);
}

TEST_CASE("a touch leaves the CAS unique as it is") {
    StoreFixture fixture;
    const auto cas = fixture.set("a", "1").cas;
    const Version before = fixture.get("a")->version;
    CHECK(fixture.store.touch(fixture.store.key("a"), fixture.now, fixture.in_seconds(5)).hit());
    CHECK(fixture.get("a")->cas == cas);
    CHECK(fixture.get("a")->version > before);
    CHECK(fixture.get("a")->expiry == fixture.in_seconds(5));
}

TEST_CASE("whatever lived for ever can be given an end, and keeps all else") {
    StoreFixture fixture;
    Write write;
    write.client_flags = GENERATE(0U, 77U);
    if (GENERATE(false, true)) write.explicit_cas = 9;
    const std::string value(GENERATE(1U, 300U, 200'000U), 'v');
    fixture.set("a", value, write);
    const auto before = fixture.get("a");
    const auto stored = fixture.store.stats().work[Work::items_stored];
    for (const auto expiry : {fixture.in_seconds(5), Expiry::never(), fixture.in_seconds(9)}) {
        CHECK(fixture.store.touch(fixture.store.key("a"), fixture.now, expiry).hit());
        const auto after = fixture.get("a");
        REQUIRE(after);
        CHECK(after->expiry == expiry);
        CHECK(after->value == value);
        CHECK(after->cas == before->cas);
        CHECK(after->client_flags == write.client_flags);
    }
    CHECK(fixture.store.stats().work[Work::items_stored] == stored);
    fixture.advance_seconds(9);
    CHECK_FALSE(fixture.get("a"));
}

TEST_CASE("an item that turns stale and is given an end at once keeps its value") {
    StoreFixture fixture;
    fixture.set("a", "1");
    Remove request;
    request.invalidate = true;
    request.touch = fixture.in_seconds(5);
    CHECK(fixture.remove("a", request).outcome == RemoveOutcome::removed);
    const auto item = fixture.get("a");
    REQUIRE(item);
    CHECK(item->value == "1");
    CHECK(item->stale);
    CHECK(item->expiry == fixture.in_seconds(5));
}

TEST_CASE("where nothing may be evicted, a full store still gives an end to all that it holds") {
    auto options = small_store();
    options.evict = false;
    StoreFixture fixture(options);
    const std::string value(100, 'v');
    std::vector<std::string> keys;
    for (std::string key = "0"; fixture.set(key, value).outcome == WriteOutcome::stored;
         key = std::to_string(keys.size()))
        keys.push_back(key);
    REQUIRE(keys.size() > 10'000);
    for (const auto& key : keys)
        REQUIRE(
            fixture.store.touch(fixture.store.key(key), fixture.now, fixture.in_seconds(9)).hit());
}

TEST_CASE("a store that evicts gives an end to what it holds, though that takes room") {
    StoreFixture fixture;
    const std::string value(100, 'v');
    for (int i = 0; i < 100'000; ++i)
        REQUIRE(fixture.set(std::to_string(i), value).outcome == WriteOutcome::stored);
    int gone = 0;
    for (int i = 99'000; i < 100'000; ++i) {
        const auto key = std::to_string(i);
        const bool is_here =
            fixture.store.touch(fixture.store.key(key), fixture.now, fixture.in_seconds(9)).hit();
        const auto item = fixture.get(key);
        CHECK(item.has_value() == is_here);
        if (item) CHECK(item->expiry == fixture.in_seconds(9));
        gone += is_here ? 0 : 1;
    }
    CHECK(gone < 10);
}

TEST_CASE("a touch to the same second is no change") {
    StoreFixture fixture;
    fixture.set("a", "1");
    const auto events = fixture.sink.events.size();
    fixture.store.touch(fixture.store.key("a"), fixture.now, Expiry::never());
    CHECK(fixture.sink.events.size() == events);
}

TEST_CASE("every change is told with the versions before and after") {
    StoreFixture fixture;
    fixture.set("a", "1");
    fixture.set("a", "2");
    fixture.remove("a");
    const auto& events = fixture.sink.events;
    REQUIRE(events.size() == 3);
    CHECK(events[0].before == 0);
    CHECK(events[0].after == events[0].version);
    CHECK(events[1].before == events[0].after);
    CHECK(events[1].cause == Cause::local_write);
    CHECK(events[2].before == events[1].after);
    CHECK(events[2].after == 0);
    CHECK(events[2].version > events[1].version);
    CHECK(events[2].cause == Cause::local_delete);
}

TEST_CASE("a delete of an absent key is told, unless it named a CAS unique") {
    StoreFixture fixture;
    CHECK(fixture.remove("a").outcome == RemoveOutcome::not_found);
    REQUIRE(fixture.sink.events.size() == 1);
    CHECK(fixture.sink.events[0].before == 0);
    CHECK(fixture.sink.events[0].after == 0);
    CHECK(fixture.sink.events[0].version != 0);
    CHECK(fixture.sink.events[0].cause == Cause::local_delete);
    Remove remove;
    remove.compare_cas = 1;
    CHECK(fixture.remove("a", remove).outcome == RemoveOutcome::not_found);
    CHECK(fixture.sink.events.size() == 1);
}

TEST_CASE("a set that has expired already removes the old item and is told as a delete") {
    StoreFixture fixture;
    fixture.set("a", "1");
    Write write;
    write.expiry = Expiry::past();
    CHECK(fixture.set("a", "2", write).outcome == WriteOutcome::stored);
    CHECK_FALSE(fixture.get("a"));
    CHECK(fixture.sink.events.back().cause == Cause::local_delete);
    CHECK(fixture.sink.versions.empty());
}

TEST_CASE("a value that is too large drops the old one, and other nodes hear of it") {
    StoreFixture fixture;
    fixture.set("a", "1");
    CHECK(fixture.set("a", std::string(1'049'600, 'x')).outcome == WriteOutcome::too_large);
    CHECK_FALSE(fixture.get("a"));
    CHECK(fixture.sink.events.back().cause == Cause::local_delete);
    fixture.set("b", "1");
    fixture.store.drop_failed_write(fixture.store.key("b"), fixture.now);
    CHECK_FALSE(fixture.get("b"));
    CHECK(fixture.sink.versions.empty());
}

TEST_CASE("the item size limit is an upper bound of the accounted size") {
    StoreFixture fixture;
    CHECK(fixture.set("foo", std::string(1'047'552, 'x')).outcome == WriteOutcome::stored);
    CHECK_FALSE(fixture.store.exceeds_limit(3, (1 << 20) - 62, 0));
    CHECK(fixture.store.exceeds_limit(3, (1 << 20) - 61, 0));
    CHECK(fixture.store.exceeds_limit(3, (1 << 20) - 62, 1));
}

TEST_CASE("what is announced may be as large as the item size limit, and not a byte larger") {
    StoreFixture fixture;
    const auto limit = default_store_options().item_size_limit_bytes;
    const auto most = limit - accounted_bytes(3, 0, 0);
    CHECK_FALSE(fixture.store.exceeds_limit(3, most - 1, 0));
    CHECK_FALSE(fixture.store.exceeds_limit(3, most, 0));
    CHECK(fixture.store.exceeds_limit(3, most + 1, 0));
    CHECK(fixture.store.exceeds_limit(3, most, 1));  // client flags take room, too
    CHECK(fixture.set("key", std::string(most, 'x')).outcome == WriteOutcome::stored);
    CHECK(fixture.set("key", std::string(most + 1, 'x')).outcome == WriteOutcome::too_large);
}

TEST_CASE("what would grow beyond the item size limit is not stored and stays as it was") {
    StoreFixture fixture;
    fixture.set("a", std::string(600'000, 'x'));
    for (const auto mode : {WriteMode::append, WriteMode::prepend}) {
        CHECK(fixture.set("a", std::string(600'000, 'y'), with_mode(mode)).outcome ==
              WriteOutcome::not_stored);
    }
    CHECK(fixture.get("a")->value.size() == 600'000);
}

TEST_CASE("incr and decr count in decimal digits") {
    StoreFixture fixture;
    const auto count = [&](bool decrement, std::uint64_t delta) {
        Arithmetic request;
        request.decrement = decrement;
        request.delta = delta;
        return fixture.add("n", request);
    };
    CHECK(count(false, 1).outcome == ArithmeticOutcome::not_found);
    SECTION("a decrement keeps the length, padded with blanks") {
        fixture.set("n", "100");
        CHECK(count(true, 1).number == 99);
        CHECK(fixture.value("n") == "99 ");
        CHECK(count(false, 1).number == 100);
        CHECK(fixture.value("n") == "100");
    }
    SECTION("a decrement stops at zero") {
        fixture.set("n", "5");
        CHECK(count(true, 6).number == 0);
    }
    SECTION("an increment wraps at 2^64") {
        fixture.set("n", "18446744073709551615");
        CHECK(count(false, 20).number == 19);
    }
    SECTION("an increment may make the item longer, with the same flags and expiry") {
        Write write;
        write.client_flags = 3;
        write.expiry = fixture.in_seconds(50);
        fixture.set("n", "9", write);
        count(false, 99'999'999'999'999);
        CHECK(fixture.value("n") == "100000000000008");
        CHECK(fixture.get("n")->client_flags == 3);
        CHECK(fixture.get("n")->expiry == write.expiry);
    }
    SECTION("nothing else is a number") {
        for (const char* value :
             {"", "abc", "-1", "1a", "+", "- 1", "+-1", "0x10", "18446744073709551616",
              "100000000000000000000", " ", "\r\n", "1.5"}) {
            fixture.set("n", value);
            CHECK(count(false, 1).outcome == ArithmeticOutcome::non_numeric);
        }
    }
    SECTION("an item is created only if asked for, with the initial number itself") {
        Arithmetic request;
        request.vivify = Expiry::never();
        request.initial = 5;
        request.delta = 2;
        CHECK(fixture.add("n", request).number == 5);
        CHECK(fixture.add("n", request).number == 7);
    }
}

TEST_CASE("an invalidated item is stale, has a new CAS unique, and one reader wins its renewal") {
    StoreFixture fixture;
    const auto cas = fixture.set("a", "1").cas;
    CHECK(fixture.remove("a", invalidation()).outcome == RemoveOutcome::removed);
    const auto first = fixture.read("a", {});
    CHECK(first.item->stale);
    CHECK(first.item->cas != cas);
    CHECK(first.item->value == "1");
    CHECK(first.marks.recache == Recache::won);
    CHECK(fixture.read("a", {}).marks.recache == Recache::already_won);
    CHECK(fixture.sink.events.back().cause == Cause::local_write);
}

TEST_CASE("an older token stores with ms I, but what it brings is stale and keeps its expiry") {
    StoreFixture fixture;
    Write first;
    first.expiry = fixture.in_seconds(60);
    const auto cas = fixture.set("a", "1", first).cas;
    Write write = with_cas(cas - 1);
    write.invalidate = true;
    CHECK(fixture.set("a", "2", write).outcome == WriteOutcome::stored);
    CHECK(fixture.get("a")->stale);
    CHECK(fixture.get("a")->expiry == first.expiry);
    write.compare_cas = fixture.get("a")->cas + 1;
    CHECK(fixture.set("a", "3", write).outcome == WriteOutcome::exists);
    write.compare_cas = fixture.get("a")->cas;
    CHECK(fixture.set("a", "3", write).outcome == WriteOutcome::stored);
    CHECK_FALSE(fixture.get("a")->stale);
}

TEST_CASE("a cleared item stays, empty, without flags and for ever") {
    StoreFixture fixture;
    Write write;
    write.client_flags = 3;
    write.expiry = fixture.in_seconds(60);
    fixture.set("a", "value", write);
    Remove remove;
    remove.clear = true;
    CHECK(fixture.remove("a", remove).outcome == RemoveOutcome::removed);
    const auto item = fixture.get("a");
    CHECK(item->value.empty());
    CHECK(item->client_flags == 0);
    CHECK(item->expiry.is_never());
}

TEST_CASE("a reader may hold the place of an absent item, which no other node hears of") {
    StoreFixture fixture;
    Read request;
    request.vivify = fixture.in_seconds(30);
    const auto first = fixture.read("a", request);
    CHECK(first.marks.vivified);
    CHECK(first.marks.recache == Recache::won);
    CHECK(first.item->value.empty());
    CHECK(first.item->version == 0);
    CHECK(first.item->cas != 0);
    CHECK(fixture.read("a", request).marks.recache == Recache::already_won);
    CHECK(fixture.sink.events.empty());
    SECTION("the winner stores with the token that it was given") {
        CHECK(fixture.set("a", "v", with_cas(first.item->cas)).outcome == WriteOutcome::stored);
        CHECK(fixture.sink.events.back().before == 0);
    }
    SECTION("a flush takes it away") {
        fixture.store.flush(fixture.now);
        CHECK_FALSE(fixture.get("a"));
        CHECK(fixture.read("a", request).marks.vivified);
        CHECK(fixture.get("a"));
    }
    SECTION("any item of the peer replaces it") {
        CHECK(fixture.apply("a", 1 << 13, "theirs") == ApplyOutcome::applied);
        CHECK(fixture.value("a") == "theirs");
    }
}

TEST_CASE("one reader is told to renew what expires soon") {
    StoreFixture fixture;
    Write write;
    write.expiry = fixture.in_seconds(60);
    fixture.set("a", "1", write);
    Read request;
    request.recache_below = 60;
    CHECK(fixture.read("a", request).marks.recache == Recache::not_needed);
    request.recache_below = 61;
    CHECK(fixture.read("a", request).marks.recache == Recache::won);
    CHECK(fixture.read("a", {}).marks.recache == Recache::already_won);
    fixture.set("a", "2", write);
    request.touch = fixture.in_seconds(100);
    request.touches_first = true;
    CHECK(fixture.read("a", request).marks.recache == Recache::not_needed);
}

TEST_CASE("a reader sees the marks that readers before it left") {
    StoreFixture fixture;
    fixture.set("a", "1");
    fixture.advance_seconds(7);
    Read silent;
    silent.leave_no_mark = true;
    CHECK_FALSE(fixture.read("a", silent).item->fetched);
    const auto first = fixture.read("a", {});
    CHECK_FALSE(first.item->fetched);
    CHECK(first.item->last_access == fixture.now.tick() - 7);
    const auto second = fixture.read("a", {});
    CHECK(second.item->fetched);
    CHECK(second.item->last_access == fixture.now.tick());
}

TEST_CASE("many keys are answered in their order, hits and misses") {
    StoreFixture fixture(small_store(16, 4));
    std::vector<std::string> names;
    std::vector<Key> keys;
    for (int i = 0; i < 200; ++i)
        names.push_back("key" + std::to_string(i));
    for (const std::string& name : names)
        keys.push_back(fixture.store.key(name));
    for (std::size_t i = 0; i < names.size(); i += 2)
        fixture.set(names[i], names[i]);
    std::size_t next = 0;
    fixture.store.get_many(
        keys, fixture.now, plain_get,
        [&](std::size_t i, const ItemView& item, const ReadMarks&) {
            CHECK(i == next++);
            CHECK(item.value == names[i]);
        },
        [&](std::size_t i, Miss miss) {
            CHECK(i == next++);
            CHECK(i % 2 == 1);
            CHECK(miss == Miss::absent);
        });
    CHECK(next == names.size());
}

}  // namespace twincached::storage
