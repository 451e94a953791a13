#include "storage/eviction/evictor.hpp"

#include "lib/random.hpp"
#include "test/unit/storage/many_items.hpp"
#include "test/unit/storage/seed.hpp"

#include <catch2/catch.hpp>

#include <map>
#include <vector>

namespace twincached::storage {

namespace {

// Of so many that were stored in turn, the last that is not there any more.
std::string last_gone(TableFixture& fixture, const char* prefix, int count) {
    while (count-- > 0)
        if (fixture.find(name(prefix, count)) == nullptr) return name(prefix, count);
    FAIL("all are there");
    return {};
}

std::string first_gone(TableFixture& fixture, const char* prefix, int count) {
    for (int i = 0; i < count; ++i)
        if (fixture.find(name(prefix, i)) == nullptr) return name(prefix, i);
    FAIL("all are there");
    return {};
}

// Where an item of a kibibyte would go.
Queue queue_for(TableFixture& fixture, std::uint64_t hash, const Item* old) {
    return fixture.evictor.balance().queue_for(hash, old, 1024, fixture.now);
}

}  // namespace

TEST_CASE(
    "the oldest items of the fresh queue leave, and those that were read go to the main one") {
    TableFixture fixture;
    store_many(fixture, "k", 100);
    fixture.find("k3")->mark_access(fixture.now);
    REQUIRE(evict(fixture) > 0);
    CHECK(fixture.queue("k3") == Queue::main);
    CHECK(fixture.find("k3")->frequency() == 0);
    CHECK_FALSE(fixture.find("k0"));
    CHECK_FALSE(fixture.find("k29"));
    CHECK(fixture.queue("k99") == Queue::fresh);
    CHECK(fixture.sink.events.back().cause == Cause::evicted);
    fixture.check_books();
}

TEST_CASE("what was evicted unread from the fresh queue leaves a ghost: it comes back to main") {
    TableFixture fixture;
    // No ghosts are kept before the first time that room must be made.
    for (int i = 0; fixture.evictor.ghost_bytes() == 0; ++i)
        REQUIRE(fixture.store(name("first", i), std::string(1000, 'x')));
    store_many(fixture, "k", 1800);
    const std::string gone = last_gone(fixture, "k", 1800);
    CHECK(queue_for(fixture, fixture.key(gone).hash, nullptr) == Queue::main);
    SECTION("once") {
        CHECK(queue_for(fixture, fixture.key(gone).hash, nullptr) == Queue::fresh);
    }
    SECTION("and a key that was never there has none") {
        CHECK(queue_for(fixture, fixture.key("other").hash, nullptr) == Queue::fresh);
    }
    SECTION("and what was removed by others has none") {
        fixture.remove("k1799");
        CHECK(queue_for(fixture, fixture.key("k1799").hash, nullptr) == Queue::fresh);
    }
}

TEST_CASE("what leaves the main queue, has expired or was flushed leaves no ghost") {
    TableFixture fixture;
    for (int i = 0; fixture.evictor.ghost_bytes() == 0; ++i)
        REQUIRE(fixture.store(name("first", i), std::string(1000, 'x')));
    REQUIRE(fixture.store("main", "1", {Queue::main}));
    REQUIRE(fixture.store("expired", "1", {Queue::fresh, Expiry::at(fixture.now)}));
    REQUIRE(fixture.store("flushed", "1", {Queue::fresh, {}, 0, 7}));
    fixture.table.set_flush_version(7);
    store_many(fixture, "k", 1200);
    for (int i = 0; i < 100; ++i)
        (void)evict(fixture, 3);
    for (const char* key : {"main", "expired", "flushed"}) {
        CAPTURE(key);
        REQUIRE_FALSE(fixture.find(key));
        CHECK(queue_for(fixture, fixture.key(key).hash, nullptr) == Queue::fresh);
    }
}

TEST_CASE("a new version goes where the old one lies, whatever its ghost says") {
    TableFixture fixture;
    REQUIRE(fixture.store("a", "1", {Queue::main}));
    CHECK(queue_for(fixture, fixture.key("a").hash, fixture.find("a")) == Queue::main);
    REQUIRE(fixture.store("b", "1"));
    CHECK(queue_for(fixture, fixture.key("b").hash, fixture.find("b")) == Queue::fresh);
}

TEST_CASE("the main queue gives way only when the fresh one has no more than its quarter") {
    TableFixture fixture;
    store_many(fixture, "main", 600, {Queue::main});
    store_many(fixture, "fresh", 240);  // eight slabs of twenty-eight
    REQUIRE(evict(fixture) > 0);
    CHECK_FALSE(fixture.find("fresh0"));
    CHECK(fixture.find("main0"));
    while (fixture.table.arena().slabs().queue(Queue::fresh).bytes * 4 >
           fixture.table.arena().slabs().queued_bytes())
        REQUIRE(evict(fixture) > 0);
    CHECK(fixture.find("main0"));
    REQUIRE(evict(fixture) > 0);
    CHECK_FALSE(fixture.find("main0"));
    fixture.check_books();
}

TEST_CASE("what is eight times as large as the mean waits in a queue of its own") {
    TableFixture fixture;
    store_many(fixture, "k", 64);
    const Slabs& slabs = fixture.table.arena().slabs();
    const std::uint64_t mean = slabs.queued_bytes() / 64;
    QueueBalance& balance = fixture.evictor.balance();
    CHECK(balance.queue_for_newcomer(8 * mean) == Queue::fresh);
    CHECK(balance.queue_for_newcomer(8 * mean + 1) == Queue::bulk);
    SECTION("also if it replaces a small one, but not if that is in the main queue") {
        REQUIRE(fixture.store("main", "1", {Queue::main}));
        CHECK(balance.queue_for(1, fixture.find("k1"), 100 * mean, fixture.now) == Queue::bulk);
        CHECK(balance.queue_for(1, fixture.find("main"), 100 * mean, fixture.now) == Queue::main);
    }
}

TEST_CASE("a burst of large values leaves the small ones that have just come") {
    TableFixture fixture;
    store_many(fixture, "main", 600, {Queue::main});
    store_many(fixture, "fresh", 60);
    for (int i = 0; i < 50; ++i)
        REQUIRE(fixture.store(name("large", i), std::string(40'000, 'x'), {Queue::bulk}));
    CHECK_FALSE(fixture.find("large0"));
    CHECK(fixture.find("large49"));
    CHECK(fixture.find("fresh59"));
    CHECK(fixture.find("fresh31"));  // of the second slab
    fixture.check_books();
}

TEST_CASE("a large value stays while its queue has less than a fifth of the newcomers' bytes") {
    TableFixture fixture;
    store_many(fixture, "main", 300, {Queue::main});
    REQUIRE(fixture.store("large", std::string(10'000, 'x'), {Queue::bulk}));
    SECTION("less") {
        store_many(fixture, "fresh", 240);
        REQUIRE(evict(fixture) > 0);
        CHECK(fixture.find("large"));
        CHECK_FALSE(fixture.find("fresh0"));
    }
    SECTION("more") {
        store_many(fixture, "fresh", 90);
        REQUIRE(evict(fixture) > 0);
        CHECK_FALSE(fixture.find("large"));
        CHECK(fixture.find("fresh0"));
    }
    fixture.check_books();
}

TEST_CASE("a large value that was read goes to the main queue, as any other") {
    TableFixture fixture;
    store_many(fixture, "main", 600, {Queue::main});
    REQUIRE(fixture.store("large", std::string(40'000, 'x'), {Queue::bulk}));
    for (int i = 0; i < 3; ++i)
        fixture.find("large")->mark_access(fixture.now);
    for (int i = 0; i < 20; ++i)
        REQUIRE(fixture.store(name("other", i), std::string(40'000, 'x'), {Queue::bulk}));
    CHECK(fixture.queue("large") == Queue::main);
    fixture.check_books();
}

TEST_CASE("a key that was away for longer than main's oldest are there has to be read again") {
    TableFixture fixture;
    store_many(fixture, "main", 600, {Queue::main});
    for (int i = 0; fixture.evictor.ghost_bytes() == 0; ++i)
        REQUIRE(fixture.store(name("first", i), std::string(1000, 'x')));
    store_many(fixture, "k", 450);
    const std::string gone = last_gone(fixture, "k", 450);
    SECTION("main has been as it is for longer") {
        CHECK(queue_for(fixture, fixture.key(gone).hash, nullptr) == Queue::main);
    }
    SECTION("main has just been filled with others") {
        for (int i = 0; fixture.find("main599") != nullptr; ++i)
            REQUIRE(fixture.store(name("other", i), std::string(1000, 'x'), {Queue::main}));
        const std::string first = first_gone(fixture, "k", 450);
        CHECK(queue_for(fixture, fixture.key(first).hash, nullptr) == Queue::fresh);
    }
}

TEST_CASE("a key that comes back is let into main only while that is read less often than it") {
    TableFixture fixture;
    store_many(fixture, "main", 600, {Queue::main});
    for (int i = 0; fixture.evictor.ghost_bytes() == 0; ++i)
        REQUIRE(fixture.store(name("first", i), std::string(1000, 'x')));
    const bool is_read = GENERATE(false, true);
    for (int i = 0; i < 450; ++i) {
        ++fixture.now;
        REQUIRE(fixture.store(name("k", i), std::string(1000, 'x')));
        (void)queue_for(fixture, fixture.key(name("never", i)).hash, nullptr);  // time is noted
        if (!is_read || i % 20 != 0) continue;
        for (const char* prefix : {"main", "first", "k"})  // newcomers' slabs may be main's now
            for (int read = 0; read < 1000; ++read)
                if (fixture.queue(name(prefix, read)) == Queue::main)
                    (void)fixture.find(name(prefix, read))->mark_access(fixture.now);
    }
    const std::string gone = last_gone(fixture, "k", 450);
    CHECK(queue_for(fixture, fixture.key(gone).hash, nullptr) ==
          (is_read ? Queue::fresh : Queue::main));
}

TEST_CASE("what comes back and is much larger than the mean has to be read again") {
    TableFixture fixture;
    for (int i = 0; fixture.evictor.ghost_bytes() == 0; ++i)
        REQUIRE(fixture.store(name("first", i), std::string(1000, 'x')));
    store_many(fixture, "k", 1800);
    const std::string gone = last_gone(fixture, "k", 1800);
    const Table& table = fixture.table;
    const std::uint64_t mean = table.arena().slabs().queued_bytes() / table.index().items();
    const bool is_larger = GENERATE(false, true);
    const std::uint64_t bytes = 4 * mean + (is_larger ? 8 : 0);
    CHECK(
        fixture.evictor.balance().queue_for(fixture.key(gone).hash, nullptr, bytes, fixture.now) ==
        (is_larger ? Queue::fresh : Queue::main));
}

TEST_CASE("a newcomer much smaller than the mean waits once more, in main") {
    TableFixture fixture;
    store_many(fixture, "k", 300);
    REQUIRE(fixture.store("small", std::string(150, 'x')));
    REQUIRE(fixture.store("smaller", std::string(350, 'x')));
    store_many(fixture, "l", 300);
    while (fixture.queue("small") == Queue::fresh)
        REQUIRE(evict(fixture) > 0);
    CHECK(fixture.queue("small") == Queue::main);
    CHECK_FALSE(fixture.find("smaller"));
    SECTION("and leaves if nobody reads it there") {
        store_many(fixture, "other", 300, {Queue::main});
        for (int i = 0; i < 100 && fixture.find("small") != nullptr; ++i)
            (void)evict(fixture);
        CHECK_FALSE(fixture.find("small"));
    }
    fixture.check_books();
}

TEST_CASE("what came first stays in main as it is, but for some, when memory is first short") {
    TableFixture fixture(4U << 20, true, true);
    for (int i = 0; i < 12; ++i)  // heads in slabs, values in extents
        REQUIRE(fixture.store(name("large", i), std::string(10'000, 'x')));
    const auto evictions = [&] {
        return std::count_if(fixture.sink.events.begin(), fixture.sink.events.end(),
                             [](const auto& event) { return event.cause == Cause::evicted; });
    };
    int stored = 0;
    for (; evictions() == 0; ++stored)
        REQUIRE(fixture.store(name("k", stored), std::string(1000, 'x')));
    for (int i = 0; i < stored; ++i)
        REQUIRE(fixture.store(name("later", i), std::string(1000, 'x')));
    int kept = 0;
    for (int i = 0; i < stored; ++i)
        if (fixture.find(name("k", i)) != nullptr) ++kept;
    CHECK(kept > stored / 2);
    const Slabs& slabs = fixture.table.arena().slabs();
    CHECK(slabs.queue(Queue::fresh).bytes < slabs.queued_bytes() * 3 / 10);
    fixture.check_books();
}

TEST_CASE("in the main queue a read is worth one round") {
    TableFixture fixture;
    store_many(fixture, "k", 30, {Queue::main, {}, 2});
    (void)evict(fixture);  // all move to another slab
    CHECK(fixture.find("k9")->frequency() == 1);
    (void)evict(fixture);
    CHECK(fixture.find("k9")->frequency() == 0);
    (void)evict(fixture);
    CHECK_FALSE(fixture.find("k9"));
    StoreStats stats;
    fixture.books.add_to(stats);
    stats.total_up();
    CHECK(stats.total.kept_again >= 60);
    CHECK(stats.total.evicted >= 30);
    fixture.check_books();
}

TEST_CASE("what was read often stays for more rounds where the same keys stay hot") {
    TableFixture fixture;
    const bool stay_hot = GENERATE(false, true);
    if (stay_hot) {  // for nobody asks for a newcomer again
        store_many(fixture, "new", 900);
        while (fixture.evictor.balance().lasting_reads() == 1)
            REQUIRE(evict(fixture) > 0);
    }
    store_many(fixture, "k", 30, {Queue::main, {}, 3});
    while (fixture.find("k9")->frequency() == 3)
        (void)evict(fixture);
    CAPTURE(stay_hot);
    CHECK(fixture.find("k9")->frequency() == (stay_hot ? 2 : 1));
    fixture.check_books();
}

TEST_CASE("under pressure an item must have been read more often, and at last none is spared") {
    TableFixture fixture;
    for (unsigned frequency = 0; frequency <= 3; ++frequency)
        REQUIRE(fixture.store(name("k", static_cast<int>(frequency)), std::string(1000, 'x'),
                              {Queue::fresh, {}, frequency}));
    store_many(fixture, "other", 26);
    const unsigned pressure = GENERATE(0U, 1U, 2U, 3U);
    (void)evict(fixture, pressure);
    for (unsigned frequency = 0; frequency <= 3; ++frequency) {
        CAPTURE(pressure, frequency);
        const bool is_there = fixture.find(name("k", static_cast<int>(frequency))) != nullptr;
        CHECK(is_there == (pressure < 3 && frequency > pressure));
    }
    fixture.check_books();
}

TEST_CASE("a larger item must have been read more often to stay") {
    TableFixture fixture(4U << 20);
    store_many(fixture, "k", 200, {Queue::main});
    for (unsigned frequency = 1; frequency <= 3; ++frequency) {
        const auto number = static_cast<int>(frequency);
        // Three times the mean, and much more than four times.
        REQUIRE(fixture.store(name("larger", number), std::string(3500, 'x'),
                              {Queue::fresh, {}, frequency}));
        REQUIRE(fixture.store(name("much", number), std::string(20'000, 'x'),
                              {Queue::fresh, {}, frequency}));
    }
    (void)fixture.evictor.evict_some(1U << 20, 0, fixture.now);
    CHECK_FALSE(fixture.find("larger1"));
    CHECK(fixture.find("larger2"));
    CHECK_FALSE(fixture.find("much2"));
    CHECK(fixture.find("much3"));
    fixture.check_books();
}

TEST_CASE("an item of exactly the mean is not larger, nor one of four times the mean much larger") {
    struct Case {
        unsigned least_reads;  // that an item of `mean` is worth keeping for
        std::uint32_t mean;    // or a multiple of it: of a slab of 64 items
    };
    for (const auto& [least_reads, mean] : {Case{1, 512}, Case{2, 4 * 512}}) {
        for (const std::uint32_t more : {0U, 8U}) {
            TableFixture fixture;
            ItemForm form;
            form.key = "one";
            form.version = 1;
            while (form.slab_bytes() < mean + more)
                ++form.value_bytes;
            REQUIRE(fixture.store("one", std::string(form.value_bytes, 'x'),
                                  {Queue::fresh, {}, least_reads}));
            REQUIRE(fixture.find("one")->slab_bytes() == mean + more);
            for (int i = 1; i < 64; ++i)
                REQUIRE(fixture.store(name("k", i), "x"));
            REQUIRE(fixture.table.arena().slabs().queued_bytes() == 64 * 512);
            (void)evict(fixture);
            INFO(mean << " + " << more);
            CHECK((fixture.find("one") != nullptr) == (more == 0));
        }
    }
}

TEST_CASE("what is being sent is spared, and is what it was") {
    TableFixture fixture(4U << 20);
    const Queue queue = GENERATE(Queue::fresh, Queue::main);
    const std::string value(20'000, 'x');
    REQUIRE(fixture.store("sent", value, {queue}));
    REQUIRE(fixture.store("other", value, {queue}));
    const ExtentNumber extent = fixture.find("sent")->extent();
    fixture.extents.retain(extent);
    CHECK(fixture.evictor.evict_some(1U << 20, 0, fixture.now) > 0);
    CHECK_FALSE(fixture.find("other"));
    const Item* item = fixture.find("sent");
    REQUIRE(item != nullptr);
    CHECK(fixture.value("sent") == value);
    CHECK(fixture.queue("sent") == Queue::main);
    CHECK(item->frequency() == 0);
    CHECK_FALSE(item->is_dead());
    CHECK_FALSE(item->is_fetched());
    CHECK_FALSE(item->is_stale());
    CHECK_FALSE(item->is_won());
    fixture.check_books();
    SECTION("but not at the highest pressure") {
        for (int i = 0; i < 3; ++i)  // the slab that it was in may still be the older one
            (void)fixture.evictor.evict_some(1U << 20, 3, fixture.now);
        CHECK_FALSE(fixture.find("sent"));
        CHECK(fixture.extents.footprint(extent) > 20'000);  // its reader still holds it
    }
    fixture.extents.release(extent);
    fixture.extents.end_rest();
    fixture.check_books();
}

TEST_CASE("a step stops when it has freed the bytes of extents that were asked for") {
    TableFixture fixture(4U << 20);
    for (int i = 0; i < 20; ++i)
        REQUIRE(fixture.store(name("k", i), std::string(20'000, 'x')));
    const std::uint64_t freed = fixture.evictor.evict_some(50'000, 0, fixture.now);
    CHECK(freed >= 50'000);
    CHECK(freed < 70'000);
    CHECK_FALSE(fixture.find("k2"));
    CHECK(fixture.find("k3"));
    fixture.check_books();
    CHECK(fixture.evictor.evict_some(20'000, 0, fixture.now) >= 20'000);
    CHECK_FALSE(fixture.find("k3"));
    CHECK(fixture.find("k4"));
    fixture.check_books();
}

TEST_CASE("a full table makes room as long as an item fits a slab") {
    TableFixture fixture;
    store_many(fixture, "k", 2000, {Queue::fresh, {}, 3});  // all of them in demand
    CHECK(fixture.find("k1999"));
    CHECK(fixture.budget.used() <= fixture.budget.limit());
    fixture.check_books();
}

TEST_CASE(
    "whatever is stored, read, removed and evicted, the books are right and no value is wrong") {
    lib::Random random(seed_of("evictor"));
    const bool may_evict = GENERATE(true, true, false);
    TableFixture fixture(1U << 20, may_evict);
    std::map<std::string, std::string> truths;
    const auto random_value = [&] {
        const auto kind = random.below(20);
        const std::uint64_t bytes = kind == 0  ? random.below(60'000)
                                    : kind < 4 ? random.below(4000)
                                               : random.below(400);
        return std::string(bytes, static_cast<char>('a' + random.below(26)));
    };
    std::vector<ExtentNumber> pinned;
    for (int i = 0; i < 5000; ++i) {
        const std::string key = name("k", static_cast<int>(random.below(2500)));
        Item* item = fixture.find(key);
        switch (random.below(12)) {
            case 0:
                if (item != nullptr) fixture.remove(key);
                break;
            case 1:
            case 2:
            case 3:
                if (item != nullptr) (void)item->mark_access(fixture.now);
                break;
            case 4:
                if (item != nullptr && item->is_large() && pinned.size() < 5) {
                    fixture.extents.retain(item->extent());
                    pinned.push_back(item->extent());
                } else if (!pinned.empty()) {
                    fixture.extents.release(pinned.back());
                    pinned.pop_back();
                }
                break;
            case 5:
                if (random.one_in(20)) ++fixture.now;
                (void)fixture.collector.step(fixture.now);
                fixture.extents.collect();
                break;
            case 6:
                if (random.one_in(20))
                    (void)fixture.evictor.evict_some(1 + random.below(100'000),
                                                     static_cast<unsigned>(random.below(4)),
                                                     fixture.now);
                break;
            default: {
                Placing placing;
                const std::string value = random_value();
                placing.queue = fixture.evictor.balance().queue_for(fixture.key(key).hash, item,
                                                                    value.size(), fixture.now);
                if (random.one_in(3))
                    placing.expiry =
                        Expiry::at(fixture.now + 1 + static_cast<Tick>(random.below(5000)));
                if (fixture.store(key, value, placing)) truths[key] = value;
            }
        }
        if (i % 500 == 0) fixture.check_books();
    }
    fixture.check_books();
    for (const auto& [key, version] : fixture.sink.versions)
        REQUIRE(fixture.value(key) == truths.at(key));
    CHECK(fixture.budget.used() <= fixture.budget.limit());
    for (const ExtentNumber extent : pinned)
        fixture.extents.release(extent);
}

}  // namespace twincached::storage
