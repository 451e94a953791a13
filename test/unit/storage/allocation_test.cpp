// What a store does that finds no memory beside the memory that it has: for the nodes and lists in
// which it notes where that lies.
#include "test/support/failing_allocations.hpp"
#include "test/unit/storage/store_fixture.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace twincached::storage {

namespace {

using Kind = FailingAllocations::Kind;

struct Texts {
    std::vector<std::string> keys;
    std::string small = std::string(100, 's');
    std::string large = std::string(20'000, 'l');
    std::string larger = std::string(70'000, 'L');

    Texts() {
        for (int i = 0; i < 100; ++i)
            keys.push_back("key " + std::to_string(i));
    }
};

// Everything that a store is asked to do, with nothing allocated here. What it answers may be that
// there is no memory.
class Workload {
  public:
    Workload(StoreFixture& fixture, const Texts& texts) : fixture_(fixture), texts_(texts) {}

    void run() {
        for (const auto& key : texts_.keys)
            set(key, texts_.small);
        for (unsigned i = 0; i < texts_.keys.size(); i += 2)
            set(texts_.keys[i], i % 6 == 0 ? texts_.larger : texts_.large);
        for (unsigned i = 0; i < texts_.keys.size(); i += 5)
            join(texts_.keys[i]);
        for (unsigned i = 0; i < texts_.keys.size(); i += 3)
            count_and_touch(texts_.keys[i]);
        for (unsigned i = 0; i < texts_.keys.size(); i += 7)
            (void)store().remove(store().key(texts_.keys[i]), fixture_.now, {});
        receive();
        for (unsigned i = 0; i < texts_.keys.size(); i += 4)
            restore(texts_.keys[i], i % 8 == 0 ? texts_.large : texts_.small);
        store().set_memory_limit(1U << 20);
        fixture_.maintain();
        for (const auto& key : texts_.keys)
            set(key, texts_.small);
        fixture_.advance_seconds(20);
        fixture_.maintain();
    }

  private:
    Store& store() { return fixture_.store; }
    void set(const std::string& key, const std::string& value) {
        Write write;
        write.value = value;
        const auto result = store().write(store().key(key), fixture_.now, write);
        const AllocationsSucceed ours;
        REQUIRE(
            (result.outcome == WriteOutcome::stored || result.outcome == WriteOutcome::no_memory));
    }
    void join(const std::string& key) {
        Write write;
        write.mode = WriteMode::append;
        write.value = texts_.large;
        (void)store().write(store().key(key), fixture_.now, write);
    }
    void count_and_touch(const std::string& key) {
        Write write;
        write.value = "41";
        (void)store().write(store().key(key), fixture_.now, write);
        (void)store().add(store().key(key), fixture_.now, {});
        (void)store().touch(store().key(key), fixture_.now, fixture_.in_seconds(10));
    }
    // One value that arrives, and one whose client gives up.
    void receive() {
        auto value = store().reserve(texts_.large.size(), fixture_.now);
        (void)store().reserve(texts_.larger.size(), fixture_.now);
        if (!value) return;
        std::copy(texts_.large.begin(), texts_.large.end(), value.bytes().begin());
        (void)store().write(store().key(texts_.keys[0]), fixture_.now, {}, std::move(value));
    }
    void restore(const std::string& key, const std::string& value) {
        (void)store().remove(store().key(key), fixture_.now, {});
        SavedItem saved;
        saved.key = key;
        saved.value = value;
        saved.version = Version{5'000'000} << 13;
        (void)store().restore(saved, fixture_.now);
    }

    StoreFixture& fixture_;
    const Texts& texts_;
};

// The sink has heard of exactly what is there, and what is counted is what is there.
void check_whole(StoreFixture& fixture) {
    REQUIRE(fixture.sink.contradictions == 0);
    const auto walked = fixture.walk_keys();
    const std::set<std::string> keys(walked.begin(), walked.end());
    for (const auto& key : keys) {
        const auto item = fixture.peek(key);
        REQUIRE(item);
        REQUIRE(fixture.sink.versions.at(key) == item->version);
    }
    const auto stats = fixture.store.stats();
    REQUIRE(stats.memory_used ==
            stats.slab_bytes + stats.index_bytes + stats.ghost_bytes + stats.extent_bytes);
    REQUIRE(stats.total.items == fixture.sink.versions.size());
}

// Whatever it took can be had back.
void check_that_nothing_leaks(StoreFixture& fixture) {
    fixture.advance_seconds(1);
    (void)fixture.store.flush(fixture.now);
    fixture.maintain(200);
    REQUIRE(fixture.store.stats().total.items == 0);
    REQUIRE(fixture.store.stats().pinned == 0);
    // What rests may: a 64th of the limit, as it was when it came to rest.
    REQUIRE(fixture.store.stats().extent_bytes <= (2U << 20) / 64);
}

}  // namespace

TEST_CASE("a store that finds no memory at any one moment answers so, and stays whole") {
    const Texts texts;
    const auto kind = GENERATE(Kind::once, Kind::from_then_on);
    const bool evicts = GENERATE(true, false);
    auto options = small_store(2);
    options.evict = evicts;
    bool has_failed = true;
    std::uint64_t nth = 0;
    while (has_failed) {
        ++nth;
        StoreFixture fixture(options);
        {
            const FailingAllocations failing(nth, kind);
            Workload(fixture, texts).run();
            has_failed = failing.has_failed();
        }
        INFO("allocation " << nth);
        check_whole(fixture);
        check_that_nothing_leaks(fixture);
        // And it is as good as new.
        fixture.store.set_memory_limit(2U << 20);
        REQUIRE(fixture.set("afterwards", texts.larger).outcome == WriteOutcome::stored);
        REQUIRE(fixture.value("afterwards") == texts.larger);
    }
    CHECK(nth > 20);  // it does allocate
}

TEST_CASE("extents are freed without memory, in whatever order, and all of it comes back") {
    MemoryBudget budget(64U << 20);
    Extents extents(budget, {256U << 20});
    std::vector<ExtentNumber> held;
    for (int i = 0; i < 500; ++i)
        held.push_back(extents.allocate(9'000));
    REQUIRE(std::count(held.begin(), held.end(), ExtentNumber{0}) == 0);
    {
        const FailingAllocations failing(1, Kind::from_then_on);
        // Every second one first: nowhere are there more free runs.
        for (std::size_t i = 0; i < held.size(); i += 2)
            extents.release(held[i]);
        for (std::size_t i = 1; i < held.size(); i += 2)
            extents.release(held[i]);
        extents.end_rest();
    }
    CHECK(extents.bytes() == 0);
    CHECK(budget.used() == 0);
    CHECK(extents.allocate(4'000'000) != 0);
}

}  // namespace twincached::storage
