// Slabs that are emptied out of turn, or could not be emptied.
#include "storage/eviction/evictor.hpp"

#include "test/unit/storage/many_items.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <string>

namespace twincached::storage {

TEST_CASE("what stays in its slab for want of memory leaves the others' open slabs their room") {
    TableFixture fixture(2U << 20);
    Slabs& slabs = fixture.table.arena().slabs();
    const auto slab_of = [&](const std::string& key) { return slabs.slab_of(fixture.find(key)); };
    const Expiry soon = Expiry::at(fixture.now + 100);
    store_many(fixture, "brief", 40, {Queue::fresh, soon, 1});
    store_many(fixture, "proved", 1, {Queue::main, soon});
    const SlabNumber open = slab_of("proved0");
    Placement any{2000};
    for (int i = 0; fixture.table.has_room(any); ++i)
        store_many(fixture, name("more", i).c_str(), 1);
    REQUIRE(slabs.kept() == 0);
    fixture.now += 50;  // so what is in a slab of ten minutes has less than one left
    const SlabNumber stays = slab_of("brief0");
    (void)evict(fixture);
    REQUIRE(slab_of("brief0") == stays);
    CHECK(fixture.queue("brief0") == Queue::main);
    CHECK(slabs[stays].lifetime == 0);
    CHECK(slabs[stays].state == SlabState::open);
    CHECK(slabs[open].state == SlabState::open);
    fixture.check_books();
}

TEST_CASE("where nothing may be evicted, dead bytes are gained, and what lives stays") {
    TableFixture fixture(1U << 20, false);
    int stored = 0;
    while (fixture.store(name("k", stored), std::string(1000, 'x')))
        ++stored;
    REQUIRE(stored > 800);
    CHECK(fixture.sink.events.size() == static_cast<std::size_t>(stored));
    for (int i = 0; i < stored; i += 2)
        fixture.remove(name("k", i));
    int again = 0;
    while (fixture.store(name("new", again), std::string(1000, 'x')))
        ++again;
    CHECK(again > stored / 2 - 60);
    for (int i = 1; i < stored; i += 2)
        REQUIRE(fixture.find(name("k", i)));
    for (const auto& event : fixture.sink.events)
        REQUIRE(event.cause != Cause::evicted);
    CHECK(fixture.evictor.ghost_bytes() == 0);
    fixture.check_books();
}

TEST_CASE("slabs that are more than half empty are emptied before anything is evicted") {
    TableFixture fixture;
    store_many(fixture, "k", 900);
    int last = 900;
    while (fixture.table.arena().slabs().count() * TableFixture::slab_bytes <
           fixture.budget.limit() - 2 * TableFixture::slab_bytes)
        REQUIRE(fixture.store(name("k", last++), std::string(1000, 'x')));
    const auto evicted = [&] {
        return std::count_if(fixture.sink.events.begin(), fixture.sink.events.end(),
                             [](const auto& event) { return event.cause == Cause::evicted; });
    };
    REQUIRE(evicted() == 0);
    // Of four slabs in the middle, all but a few.
    for (int i = 300; i < 420; ++i)
        if (i % 10 != 0) fixture.remove(name("k", i));
    store_many(fixture, "new", 100);
    CHECK(evicted() == 0);
    for (int i = 300; i < 420; i += 10)
        CHECK(fixture.queue(name("k", i)) == Queue::fresh);
    StoreStats stats;
    fixture.books.add_to(stats);
    CHECK(stats[Work::compacted_slabs] > 0);
    CHECK(stats[Work::rescued] > 0);
    fixture.check_books();
}

TEST_CASE(
    "of a slab that is more than half empty, what has been there for long must have been read") {
    TableFixture fixture;
    store_many(fixture, "k", 62, {Queue::main});
    const bool is_old = GENERATE(false, true);
    const int turn = is_old ? 700 : 300;
    for (int i = 0; fixture.table.arena().slabs().evictions() < static_cast<unsigned>(turn); ++i)
        REQUIRE(fixture.store(name("passing", i), std::string(1000, 'x')));
    for (int i = 0; i < 20; ++i)
        fixture.remove(name("k", i));
    fixture.find("k25")->mark_access(fixture.now);
    const Item* before = fixture.find("k25");
    store_many(fixture, "new", 60);
    REQUIRE(fixture.find("k25") != before);
    CHECK(fixture.queue("k25") == Queue::main);
    CHECK((fixture.find("k20") == nullptr) == is_old);
    CHECK((fixture.find("k25")->frequency() == 0) == is_old);
    CHECK(fixture.find("k40"));  // of another slab
    fixture.check_books();
}

}  // namespace twincached::storage
