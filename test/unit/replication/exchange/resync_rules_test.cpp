// Two real exchanges over two real stores, no link between them but bytes that are handed over:
// what the model in test/model found that a resync can do wrong.
#include "replication/changes/change_sink.hpp"
#include "replication/pair/exchange/exchange.hpp"
#include "storage/store.hpp"

#include <catch2/catch.hpp>

#include <string>

using namespace twincached;
using namespace twincached::replication;
using namespace twincached::replication::pair;
using storage::Cause;
using storage::Expiry;

namespace {

constexpr std::size_t budget = 1U << 20;
constexpr std::size_t log_of_some_entries = 4096;
constexpr std::size_t log_of_many_entries = 64U << 10;

storage::StoreOptions store_options(unsigned node) {
    auto options = storage::default_store_options();
    options.node = node;
    options.shards = 1;
    options.memory_limit_bytes = 16U << 20;
    return options;
}

struct Node {
    Node(unsigned number, std::size_t log_bytes)
        : sink(1, log_bytes),
          store(store_options(number), hash, sink),
          exchange(sink, options(number)) {
        exchange.attach(store);
    }
    static ExchangeOptions options(unsigned number) {
        return {.epoch = 11 + number, .node = number};
    }

    lib::KeyedHash hash;
    ChangeSink sink;
    storage::Store store;
    Exchange exchange;
    lib::ByteBuffer out;
};

// Node a forgets quickly what it cannot tell, so that its buckets become dirty.
struct Pair {
    Node a{0, log_of_some_entries};
    Node b{1, log_of_many_entries};
    storage::Now now{.steady_ms = 10'000, .version_ms = 1'000'000};

    void pass(std::uint64_t ms) {
        now.steady_ms += ms;
        now.version_ms += ms;
    }
    void link() {
        const auto hello_a = a.exchange.standing(now);
        const auto hello_b = b.exchange.standing(now);
        a.exchange.begin(hello_b, now);
        b.exchange.begin(hello_a, now);
    }
    void cut() {
        for (Node* node : {&a, &b}) {
            node->exchange.end();
            node->out.clear();
        }
    }
    // What the node has to say now; it lies in its buffer until it is delivered.
    bool speak(Node& node) {
        bool any = false;
        while (node.exchange.produce(node.out, budget, now) > 0)
            any = true;
        return any;
    }
    void deliver(Node& from, Node& to) {
        for (;;) {
            const auto read = read_frame(from.out.readable());
            if (read.status != FrameStatus::complete) return;
            REQUIRE(to.exchange.on_frame(read.frame, now));
            from.out.consume(read.size);
        }
    }
    void come_to_rest() {
        for (bool any = true; any;) {
            const bool a_spoke = speak(a);
            const bool b_spoke = speak(b);
            any = a_spoke || b_spoke || !a.out.empty() || !b.out.empty();
            deliver(a, b);
            deliver(b, a);
        }
    }
    void set(Node& node, std::string_view key, std::string_view value, Expiry expiry = {}) {
        pass(1);
        storage::Write write;
        write.value = value;
        write.expiry = expiry;
        node.store.write(node.store.key(key), now, write);
    }
    void fill_log(Node& node) {
        for (int i = 0; i < 300; ++i)
            set(node, "filler" + std::to_string(i), "x");
        REQUIRE(node.exchange.stats()[TrackingCounter::overflows] > 0);
    }
    std::string get(Node& node, std::string_view key) {
        std::string value = "(miss)";
        node.store.get(node.store.key(key), now,
                       [&](const storage::ItemView& item) { value = item.value; });
        return value;
    }
    Expiry in(storage::Tick seconds) const { return Expiry::at(now.tick() + seconds); }
};

// As the store does for want of memory: the item goes and the sink is told.
void evict(Pair& pair, Node& node, std::string_view name) {
    const auto key = node.store.key(name);
    node.store.with_shard(0, [&](storage::Shard& shard) {
        storage::Version version = 0;
        shard.peek(key, pair.now, [&](const storage::ItemView& item) { version = item.version; });
        shard.drop_in_doubt(key, pair.now);
        node.sink.on_change(0, {key, version, 0, version, Cause::evicted});
    });
}

}  // namespace

TEST_CASE("a value above the peer's item limit takes the older one with it, and stays here") {
    Pair pair;
    auto hello_a = pair.a.exchange.standing(pair.now);
    auto hello_b = pair.b.exchange.standing(pair.now);
    hello_b.item_size_limit = 1024;
    pair.a.exchange.begin(hello_b, pair.now);
    pair.b.exchange.begin(hello_a, pair.now);
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
