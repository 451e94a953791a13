#include "storage/eviction/collector.hpp"

#include "test/unit/storage/table_fixture.hpp"

#include <catch2/catch.hpp>

namespace twincached::storage {

namespace {

// Steps until there is nothing to do at once; returns how many there were.
unsigned run(TableFixture& fixture) {
    unsigned steps = 1;
    while (fixture.collector.step(fixture.now))
        REQUIRE(++steps < 10'000);
    return steps;
}

ClassStats totals(TableFixture& fixture) {
    StoreStats stats;
    fixture.books.add_to(stats);
    stats.total_up();
    return stats.total;
}

void fill(TableFixture& fixture, const char* prefix, int count, Expiry expiry = {}) {
    for (int i = 0; i < count; ++i)
        REQUIRE(fixture.store(prefix + std::to_string(i), std::string(1000, 'x'),
                              {Queue::fresh, expiry}));
}

}  // namespace

TEST_CASE("what has expired is collected and told, in its second and not before") {
    TableFixture fixture;
    REQUIRE(fixture.store("a", "1", {Queue::fresh, Expiry::at(fixture.now + 10)}));
    REQUIRE(fixture.store("b", "1"));
    fixture.now += 9;
    run(fixture);
    CHECK(fixture.find("a"));
    fixture.now += 1;
    run(fixture);
    CHECK_FALSE(fixture.find("a"));
    CHECK(fixture.find("b"));
    CHECK(fixture.sink.events.back().cause == Cause::expired);
    CHECK(totals(fixture).expired == 1);
    CHECK(totals(fixture).collected == 1);
    fixture.check_books();
}

TEST_CASE("what expires later is collected then, though nothing was written in between") {
    TableFixture fixture;
    const Tick begin = fixture.now;
    // Of one lifetime, so that they share a slab; and one of another.
    REQUIRE(fixture.store("first", "1", {Queue::fresh, Expiry::at(begin + 100)}));
    REQUIRE(fixture.store("second", "1", {Queue::fresh, Expiry::at(begin + 500)}));
    REQUIRE(fixture.store("third", "1", {Queue::fresh, Expiry::at(begin + 3000)}));
    fixture.now = begin + 100;
    run(fixture);
    CHECK_FALSE(fixture.find("first"));
    fixture.now = begin + 499;
    run(fixture);
    CHECK(fixture.find("second"));
    fixture.now = begin + 500;
    run(fixture);
    CHECK_FALSE(fixture.find("second"));
    CHECK(fixture.find("third"));
    fixture.now = begin + 3000;
    run(fixture);
    CHECK_FALSE(fixture.find("third"));
    fixture.check_books();
}

TEST_CASE("an item that is stored during a pass is collected in time") {
    TableFixture fixture;
    fill(fixture, "k", 120, Expiry::at(fixture.now + 10));
    fixture.now += 10;
    REQUIRE(fixture.collector.step(fixture.now));  // some slabs are still to come
    REQUIRE(fixture.store("new", "1", {Queue::fresh, Expiry::at(fixture.now + 5)}));
    run(fixture);
    CHECK(fixture.find("new"));
    fixture.now += 5;
    run(fixture);
    CHECK_FALSE(fixture.find("new"));
    CHECK(fixture.table.index().items() == 0);
}

TEST_CASE("a touch may bring an item's end forward") {
    TableFixture fixture;
    REQUIRE(fixture.store("a", "1", {Queue::fresh, Expiry::at(fixture.now + 1000)}));
    run(fixture);
    fixture.table.arena().set_expiry(*fixture.find("a"), Expiry::at(fixture.now + 5));
    fixture.now += 5;
    run(fixture);
    CHECK_FALSE(fixture.find("a"));
}

TEST_CASE("nothing is looked at while nothing is due") {
    TableFixture fixture;
    fill(fixture, "k", 200, Expiry::at(fixture.now + 1000));
    run(fixture);
    for (int i = 0; i < 999; ++i) {
        ++fixture.now;
        REQUIRE(run(fixture) == 1);
    }
    CHECK(totals(fixture).examined == 0);
    ++fixture.now;
    run(fixture);
    CHECK(totals(fixture).examined == 200);
    CHECK(totals(fixture).collected == 200);
}

TEST_CASE("one step deals with one slab") {
    TableFixture fixture;
    fill(fixture, "k", 120, Expiry::at(fixture.now + 10));  // 30 a slab
    fixture.now += 10;
    REQUIRE(fixture.collector.step(fixture.now));
    CHECK(totals(fixture).examined > 0);
    CHECK(totals(fixture).examined <= 31);
    run(fixture);
    CHECK(fixture.table.index().items() == 0);
    CHECK(fixture.table.arena().slabs().bytes() <= 2 * TableFixture::slab_bytes);
    fixture.check_books();
}

TEST_CASE("a slab in which items end one after the other is looked through every other second") {
    TableFixture fixture;
    for (int i = 0; i < 20; ++i)
        REQUIRE(fixture.store("k" + std::to_string(i), "1",
                              {Queue::fresh, Expiry::at(fixture.now + 1 + static_cast<Tick>(i))}));
    std::uint64_t looks = 0;
    std::uint64_t examined = 0;
    for (int i = 0; i < 20; ++i) {
        ++fixture.now;
        run(fixture);
        const std::uint64_t now_examined = totals(fixture).examined;
        looks += now_examined != examined ? 1U : 0U;
        examined = now_examined;
    }
    CHECK(looks <= 12);
    fixture.now += 2;
    run(fixture);
    CHECK(fixture.table.index().items() == 0);
}

TEST_CASE("a slab is looked through again after two seconds, or when its last item has expired") {
    TableFixture fixture;
    const Tick begin = fixture.now;
    const bool is_last = GENERATE(true, false);
    const Tick second = begin + (is_last ? 2 : 3);
    REQUIRE(fixture.store("first", "1", {Queue::fresh, Expiry::at(begin + 1)}));
    REQUIRE(fixture.store("second", "1", {Queue::fresh, Expiry::at(second)}));
    if (!is_last) REQUIRE(fixture.store("third", "1", {Queue::fresh, Expiry::at(begin + 5)}));
    fixture.now = begin + 1;
    run(fixture);
    CHECK_FALSE(fixture.find("first"));
    fixture.now = second - 1;
    run(fixture);
    CHECK(fixture.find("second"));
    fixture.now = second;
    run(fixture);
    CHECK_FALSE(fixture.find("second"));
}

TEST_CASE("a flush sweeps every slab that was there, whatever expires in it") {
    TableFixture fixture;
    fill(fixture, "k", 100);
    fill(fixture, "later", 50, Expiry::at(fixture.now + 1000));
    const Version newest = fixture.next_version++ << 11;
    fixture.collector.flush(newest);
    fill(fixture, "new", 10);
    run(fixture);
    CHECK(fixture.table.index().items() == 10);
    CHECK(fixture.find("new9"));
    CHECK(fixture.sink.events.back().cause == Cause::flushed);
    CHECK(totals(fixture).expired == 0);
    fixture.check_books();
    SECTION("an older flush changes nothing") {
        fixture.collector.flush(newest - 1);
        CHECK(fixture.table.flush_version() == newest);
        CHECK_FALSE(fixture.collector.step(fixture.now));
    }
}

TEST_CASE("a flush during a pass is swept to the end, also where the pass has been") {
    TableFixture fixture;
    fill(fixture, "brief", 60, Expiry::at(fixture.now + 10));
    fill(fixture, "k", 100);
    fixture.now += 10;
    REQUIRE(fixture.collector.step(fixture.now));  // the first slab
    fill(fixture, "more", 20);
    fixture.collector.flush(fixture.next_version++ << 11);
    run(fixture);
    CHECK(fixture.table.index().items() == 0);
    fixture.check_books();
}

TEST_CASE("a second flush before the sweep of the first has ended begins it anew") {
    TableFixture fixture;
    fill(fixture, "k", 200);
    fixture.collector.flush(fixture.next_version++ << 11);
    REQUIRE(fixture.collector.step(fixture.now));
    fill(fixture, "more", 20);
    fixture.collector.flush(fixture.next_version++ << 11);
    run(fixture);
    CHECK(fixture.table.index().items() == 0);
    fixture.check_books();
}

}  // namespace twincached::storage
