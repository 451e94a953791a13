// Two real exchanges over two real stores, no link between them but bytes that are handed over:
// what the model in test/model found that a resync can do wrong.
#include "test/unit/replication/exchange_pair.hpp"

#include <catch2/catch.hpp>

#include <string>

using namespace twincached;
using namespace twincached::replication;
using namespace twincached::replication::pair;
using storage::Cause;

namespace {

// Node a forgets quickly what it cannot tell, so that its buckets become dirty.
struct Pair : ExchangePair {
    Pair() : ExchangePair({.log_bytes = 4096}, {.log_bytes = 64U << 10}) {}

    void fill_log(ExchangeNode& node) {
        for (int i = 0; i < 300; ++i)
            set(node, "filler" + std::to_string(i), "x");
        REQUIRE(node.stats()[TrackingCounter::overflows] > 0);
    }
};

// As the store does for want of memory: the item goes and the sink is told.
void evict(Pair& pair, ExchangeNode& node, std::string_view name) {
    const auto key = node.store.key(name);
    const auto version = pair.version_of(node, name);
    node.store.with_shard(0, [&](storage::Shard& shard) {
        shard.drop_in_doubt(key, pair.now);
        node.sink.on_change(0, {key, version, 0, version, Cause::evicted});
    });
}

}  // namespace

TEST_CASE("a value above the peer's item limit takes the older one with it, and stays here") {
    Pair pair;
    pair.link(protocol_newest, 1024);
    pair.set(pair.a, "key", "small");
    pair.come_to_rest();
    REQUIRE(pair.get(pair.b, "key") == "small");
    const auto bytes = pair.a.exchange.stats()[ExchangeCounter::bytes_sent];
    for (const std::size_t size : {2000U, 100'000U, 700'000U}) {
        pair.set(pair.a, "key", std::string(size, 'x'));
        pair.come_to_rest();
        CHECK(pair.get(pair.b, "key") == "(miss)");
        CHECK(pair.get(pair.a, "key").size() == size);
    }
    CHECK(pair.a.exchange.stats()[ExchangeCounter::bytes_sent] - bytes < 1000);
    CHECK(pair.a.exchange.stats()[ExchangeCounter::peer_nomem] == 3);
    pair.set(pair.a, "key", "small again");
    pair.come_to_rest();
    CHECK(pair.get(pair.b, "key") == "small again");
}

// Items of all shards are wanted in one answer, where neighbours are looked up under one lock.
TEST_CASE("a node that returns empty gets the items of each shard") {
    const ExchangeSetup four_shards{.log_bytes = 16U << 10, .shards = 4};  // too little for all
    ExchangePair pair(four_shards, four_shards);
    const auto name = [](int number) { return "key" + std::to_string(number); };
    constexpr int items = 3000;
    for (int i = 0; i < items; ++i)
        pair.set(pair.a, name(i), "value");
    pair.link();
    pair.come_to_rest();
    int arrived = 0;
    for (int i = 0; i < items; ++i)
        if (pair.get(pair.b, name(i)) == "value") ++arrived;
    CHECK(arrived == items);
}

TEST_CASE("an item that has expired unnoticed does not leave an older one on the peer") {
    Pair pair;
    pair.link();
    pair.set(pair.a, "k", "old");
    pair.come_to_rest();
    REQUIRE(pair.get(pair.b, "k") == "old");

    pair.cut();
    pair.set(pair.a, "k", "new", pair.in(2));
    pair.fill_log(pair.a);
    pair.pass(10'000);
    pair.link();
    pair.come_to_rest();

    CHECK(pair.get(pair.b, "k") == "(miss)");
    CHECK(pair.get(pair.a, "k") == "(miss)");
}

TEST_CASE("an item that expires between its LIST and the wish for it leaves no older one") {
    Pair pair;
    pair.link();
    pair.set(pair.a, "k", "old");
    pair.come_to_rest();

    pair.cut();
    pair.set(pair.a, "k", "new", pair.in(5));
    pair.fill_log(pair.a);
    pair.link();
    pair.speak(pair.a);
    pair.deliver(pair.a, pair.b);
    pair.pass(10'000);
    pair.come_to_rest();

    CHECK(pair.get(pair.b, "k") == "(miss)");
}

TEST_CASE("an item that is touched and evicted before it is asked for leaves no older one") {
    Pair pair;
    pair.link();
    pair.set(pair.a, "k", std::string(3000, 'o'));
    pair.come_to_rest();

    pair.cut();
    pair.set(pair.a, "k", std::string(3000, 'n'));
    pair.fill_log(pair.a);
    pair.link();
    pair.speak(pair.a);
    pair.a.store.touch(pair.a.store.key("k"), pair.now, pair.in(1000));
    pair.speak(pair.a);
    evict(pair, pair.a, "k");
    pair.come_to_rest();

    CHECK(pair.get(pair.b, "k") == "(miss)");
}

TEST_CASE("a change that the peer overtakes between two sets of a key is survived by the log") {
    Pair pair;
    pair.link();
    pair.come_to_rest();
    pair.set(pair.a, "k", "first");
    pair.speak(pair.a);
    pair.set(pair.a, "k", "second");
    pair.set(pair.b, "k", "third");
    pair.speak(pair.b);
    pair.deliver(pair.b, pair.a);
    pair.speak(pair.a);

    SECTION("when the session ends") {
        pair.cut();
    }
    SECTION("when the log overflows") {
        pair.fill_log(pair.a);
        pair.cut();
    }
    pair.link();
    pair.come_to_rest();

    CHECK(pair.get(pair.a, "k") == "third");
    CHECK(pair.get(pair.b, "k") == "third");
}

// It would throw out one item for each that it takes.
TEST_CASE("a node whose memory is full takes of a walk what is newer than the break, and no more") {
    Pair pair;
    pair.link();
    const auto old = [](int number) { return "old" + std::to_string(number); };
    constexpr int items = 200;
    for (int i = 0; i < items; ++i)
        pair.set(pair.a, old(i), "value");
    pair.come_to_rest();
    pair.cut();
    pair.pass(1000);
    const bool is_full = GENERATE(true, false);
    if (is_full) {
        for (int i = 0; pair.b.stats()[TrackingCounter::evictions] < items; ++i)
            pair.set(pair.b, "large" + std::to_string(i), std::string(1000, 'x'));
    }
    for (int i = 0; i < items; ++i)
        evict(pair, pair.b, old(i));
    pair.set(pair.a, "new", "x");
    pair.a.sink.shard(0).buckets.mark_each_dirty();
    pair.a.sink.refresh(0);
    pair.link();
    pair.come_to_rest();
    int arrived = 0;
    for (int i = 0; i < items; ++i)
        if (pair.get(pair.b, old(i)) == "value") ++arrived;
    CHECK(pair.get(pair.b, "new") == "x");
    CHECK(arrived == (is_full ? 0 : items));
}
