#include "storage/eviction/main_idleness.hpp"

#include "test/unit/storage/table_fixture.hpp"

#include <catch2/catch.hpp>

#include <string>

namespace twincached::storage {

namespace {

// 160 items, ten of which are evicted in each second.
struct Passing {
    static constexpr unsigned items = 160;
    static constexpr unsigned a_second = 10;

    Passing() {
        for (int i = 0; i < 3; ++i)
            REQUIRE(fixture.store("k" + std::to_string(i), "x", {Queue::main}));
    }
    void pass_seconds(unsigned seconds) {
        for (; seconds > 0; --seconds) {
            ++fixture.now;
            for (unsigned i = 0; i < a_second; ++i) {
                fixture.table.arena().slabs().count_eviction();
                idleness.note(fixture.now, items);
            }
        }
    }
    void read(const char* key) { (void)fixture.find(key)->mark_access(fixture.now); }
    std::uint32_t idle() { return idleness.of_oldest(fixture.now, items); }

    TableFixture fixture;
    MainIdleness idleness{fixture.table.arena()};
};

}  // namespace

TEST_CASE("main's oldest are idle for as long as the one that was not read for longest") {
    Passing passing;
    passing.pass_seconds(20);
    SECTION("none was read: since their slab was queued") {
        CHECK(passing.idle() == 200);
    }
    SECTION("one was not") {
        passing.read("k0");
        passing.read("k1");
        CHECK(passing.idle() == 200);
    }
    SECTION("all were, ten seconds ago: in that second, or up to a note's distance before") {
        for (const char* key : {"k0", "k1", "k2"})
            passing.read(key);
        passing.pass_seconds(10);
        CHECK(passing.idle() >= 100);
        CHECK(passing.idle() <= 100 + 2 * Passing::a_second);
    }
    SECTION("all were, one of them earlier than the others") {
        passing.read("k1");
        passing.pass_seconds(5);
        passing.read("k0");
        passing.read("k2");
        passing.pass_seconds(5);
        CHECK(passing.idle() >= 100);
        CHECK(passing.idle() <= 100 + 2 * Passing::a_second);
    }
}

TEST_CASE("an item that was removed does not count") {
    Passing passing;
    passing.pass_seconds(20);
    passing.read("k1");
    passing.read("k2");
    passing.fixture.remove("k0");
    passing.pass_seconds(2);
    CHECK(passing.idle() <= 4 * Passing::a_second);
}

TEST_CASE("where a turn of the memory is over within a second, idle means since it was queued") {
    Passing passing;
    for (int i = 0; i < 500; ++i) {
        passing.fixture.table.arena().slabs().count_eviction();
        passing.idleness.note(passing.fixture.now, Passing::items);
    }
    for (const char* key : {"k0", "k1", "k2"})
        passing.read(key);
    CHECK(passing.idle() == 500);
}

TEST_CASE("a read is seen a sixty-fourth of a turn later at the latest, or with the next slab") {
    Passing passing;
    passing.pass_seconds(20);
    REQUIRE(passing.idle() == 200);
    for (const char* key : {"k0", "k1", "k2"})
        passing.read(key);
    CHECK(passing.idle() == 200);
    passing.pass_seconds(1);
    CHECK(passing.idle() < 50);
    Slabs& slabs = passing.fixture.table.arena().slabs();
    slabs.move_to_queue(slabs.queue(Queue::main).oldest, Queue::fresh);
    REQUIRE(passing.fixture.store("other", "x", {Queue::main}));
    CHECK(passing.idle() == 0);
}

}  // namespace twincached::storage
