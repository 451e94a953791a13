// Rule R15: what a node of a pair takes with it over a warm restart, and when it is believed.
#include "replication/pair/exchange/pair_memory.hpp"

#include "replication/pair/exchange/exchange.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <memory>
#include <string>

using namespace twincached;
using namespace twincached::replication;
using namespace twincached::replication::pair;
using storage::Cause;
using storage::Version;

namespace {

constexpr std::uint64_t own_epoch = 7;
constexpr std::uint64_t peer_epoch = 9;
constexpr std::uint64_t clock_time = 1000ULL << 10;

struct Node {
    explicit Node(unsigned shards = 2, unsigned number = 0) : sink(shards, 1U << 20) {
        auto options = storage::default_store_options();
        options.shards = shards;
        options.node = number;
        store = std::make_unique<storage::Store>(options, lib::KeyedHash("test"), sink);
        exchange = std::make_unique<Exchange>(sink, ExchangeOptions{own_epoch, number, 0});
        exchange->attach(*store);
        now.version_ms = 1000;
        // As it stood, or as the file that goes with what is recalled says that it stood.
        storage::StoreRegisters registers;
        registers.version_time = clock_time;
        store->restore(registers);
    }
    storage::Key key(const std::string& bytes) const { return store->key(bytes); }
    Buckets& buckets(const std::string& bytes) {
        return sink.shard(store->shard_of(key(bytes).hash)).buckets;
    }
    bool is_dirty(const std::string& bytes) {
        return buckets(bytes).is_dirty(storage::bucket_of(key(bytes).hash));
    }
    Version floor(const std::string& bytes) {
        return buckets(bytes).floor(storage::bucket_of(key(bytes).hash));
    }
    void make_all_clean() {
        for (unsigned i = 0; i < sink.shard_count(); ++i) {
            auto& some = sink.shard(i).buckets;
            for (std::size_t b = some.first(); b <= some.last(); ++b) {
                some.begin_walk(static_cast<storage::BucketNumber>(b), 1);
                some.end_walk(static_cast<storage::BucketNumber>(b));
            }
        }
    }
    void change(const std::string& bytes, Version before, Version after, Cause cause) {
        const auto version = after != 0 ? after : before + (1ULL << 13);
        const auto shard = store->shard_of(key(bytes).hash);
        store->with_shard(shard, [&](storage::Shard&) {
            sink.on_change(shard, {key(bytes), before, after, version, cause});
        });
    }

    ChangeSink sink;
    std::unique_ptr<storage::Store> store;
    std::unique_ptr<Exchange> exchange;
    storage::Now now;
};

Standing standing_of(std::uint64_t epoch, std::uint64_t knows) {
    Standing hello;
    hello.epoch = epoch;
    hello.peer_epoch = knows;
    return hello;
}

// A node that has met its peer, in one session, and comes back from a restart.
struct Recalled {
    explicit Recalled(bool alone) {
        Node before;
        before.exchange->begin(standing_of(peer_epoch, 0), before.now);
        REQUIRE(node.exchange->recall(before.exchange->remember(alone), node.now));
    }
    bool believes(std::uint64_t epoch, std::uint64_t knows, std::uint64_t heard_session = 1) {
        auto hello = standing_of(epoch, knows);
        hello.past.session = 1;
        hello.past.heard_session = heard_session;
        return node.exchange->acquaintance().judge(hello) == Meeting::begin;
    }
    Node node;
};

}  // namespace

TEST_CASE("R15: what the peer has not acknowledged comes back as dirty buckets") {
    Node before;
    before.make_all_clean();
    before.change("written", 0, 5ULL << 13, Cause::local_write);
    before.change("deleted", 6ULL << 13, 0, Cause::local_delete);
    const auto memory = before.exchange->remember(false);
    Node after(4);  // shards are nobody's business but the process's
    REQUIRE(after.exchange->recall(memory, after.now));
    CHECK(after.is_dirty("written"));
    CHECK(after.is_dirty("deleted"));
    CHECK_FALSE(after.is_dirty("something else"));
    CHECK(after.floor("deleted") == 7ULL << 13);
    CHECK(after.floor("written") == 0);
    CHECK(after.exchange->stats().dirty_buckets == 2);
}

TEST_CASE("R15: no delete that a node remembers is ahead of the clock that it remembers") {
    for (const bool is_ahead : {false, true}) {
        Node before;
        before.make_all_clean();
        before.change("deleted", (clock_time - (is_ahead ? 0 : 1)) << 13, 0, Cause::local_delete);
        Node after;
        CHECK(after.exchange->recall(before.exchange->remember(false), after.now) == !is_ahead);
    }
}

TEST_CASE("R15: an item that does not find its way back is folded into its dirty bucket") {
    Node before;
    before.make_all_clean();
    before.change("written", 0, 5ULL << 13, Cause::local_write);
    Node after;
    REQUIRE(after.exchange->recall(before.exchange->remember(false), after.now));
    after.change("written", 0, 5ULL << 13, Cause::restored);
    CHECK(after.floor("written") == 0);
    after.change("written", 5ULL << 13, 0, Cause::expired);
    CHECK(after.floor("written") == 5ULL << 13);
}

TEST_CASE("R15: damaged memory, or another node's, is refused") {
    Node node;
    const auto memory = node.exchange->remember(false);
    for (const std::size_t size : {std::size_t{0}, std::size_t{8}, memory.size() - 1})
        CHECK_FALSE(Node().exchange->recall(memory.substr(0, size), Node().now));
    CHECK_FALSE(Node().exchange->recall(memory + "x", Node().now));
    CHECK_FALSE(Node().exchange->recall("\1" + memory.substr(1), Node().now));
    auto of_b = memory;
    of_b[16] = '\1';
    CHECK_FALSE(Node().exchange->recall(of_b, Node().now));
    CHECK(Node().exchange->recall(memory, Node().now));
}

TEST_CASE("R15: the incarnation that the peer counts on is believed, no other") {
    for (const bool alone : {false, true}) {
        Recalled recalled(alone);
        CHECK(recalled.node.exchange->acquaintance().epoch() == own_epoch);
        CHECK(recalled.node.exchange->acquaintance().is_unconfirmed());
        CHECK(recalled.node.exchange->acquaintance().needs_peers_word() == !alone);
        CHECK(recalled.believes(peer_epoch, own_epoch));
        CHECK_FALSE(recalled.believes(peer_epoch, own_epoch, 2));  // it has met a later us
        CHECK_FALSE(recalled.believes(peer_epoch, own_epoch + 1));
        CHECK_FALSE(recalled.believes(peer_epoch + 1, own_epoch + 1));
        CHECK_FALSE(recalled.believes(peer_epoch + 1, own_epoch));
        // A peer that begins from nothing: it may have served while we were away, unless we were
        // the last one.
        CHECK(recalled.believes(peer_epoch + 1, 0) == alone);
    }
}

TEST_CASE("R15: a node that stops again before anybody has confirmed it does not get better") {
    Recalled first(false);
    Node second;
    REQUIRE(second.exchange->recall(first.node.exchange->remember(true), second.now));
    CHECK(second.exchange->acquaintance().needs_peers_word());
}

TEST_CASE("R15: what a node alone has kept is believed if no peer has met the node before") {
    for (const unsigned number : {0U, 1U}) {
        Node node(2, number);
        node.exchange->acquaintance().adopt();
        CHECK(node.exchange->acquaintance().is_unconfirmed());
        CHECK_FALSE(node.exchange->acquaintance().needs_peers_word());  // it may serve alone
        CHECK(node.is_dirty("anything"));
        CHECK(node.exchange->acquaintance().judge(standing_of(peer_epoch, 0)) == Meeting::begin);
        CHECK(node.exchange->acquaintance().judge(standing_of(peer_epoch, 5)) ==
              Meeting::begin_anew);
    }
}

TEST_CASE("R15: of two nodes with what they kept alone, b begins anew, also after a restart") {
    Node a(2, 0);
    Node b(2, 1);
    a.exchange->acquaintance().adopt();
    b.exchange->acquaintance().adopt();
    Node again(2, 1);
    REQUIRE(again.exchange->recall(b.exchange->remember(true), again.now));
    const auto of_a = a.exchange->standing(a.now);
    const auto of_b = b.exchange->standing(b.now);
    CHECK(a.exchange->acquaintance().judge(of_b) == Meeting::begin);
    CHECK(b.exchange->acquaintance().judge(of_a) == Meeting::begin_anew);
    CHECK(again.exchange->acquaintance().judge(of_a) == Meeting::begin_anew);
    // When b has forgotten its items, it is like any node that begins.
    b.exchange->forget(99, b.now);
    CHECK(b.exchange->acquaintance().judge(of_a) == Meeting::begin);
}

TEST_CASE("R12: of a former incarnation of the peer nothing is taken, also after a restart") {
    Node before;
    for (const std::uint64_t epoch : {peer_epoch, peer_epoch + 1, peer_epoch + 2})
        before.exchange->begin(standing_of(epoch, 0), before.now);
    const auto memory = before.exchange->remember(false);
    for (const std::uint64_t epoch : {peer_epoch, peer_epoch + 1, peer_epoch + 3}) {
        Node after;
        REQUIRE(after.exchange->recall(memory, after.now));
        after.exchange->acquaintance().believe_memory();
        after.make_all_clean();
        after.exchange->begin(standing_of(epoch, own_epoch), after.now);
        INFO("incarnation " << epoch);
        CHECK(after.is_dirty("anything"));
        CHECK((after.floor("anything") != 0) == (epoch < peer_epoch + 2));
    }
}

TEST_CASE("R15: what is forgotten is gone, and a new incarnation begins") {
    Recalled recalled(false);
    auto& node = recalled.node;
    node.change("deleted", 6ULL << 13, 0, Cause::local_delete);
    storage::Write write;
    write.value = "old";
    (void)node.store->write(node.key("old"), node.now, write);
    node.exchange->forget(99, node.now);
    CHECK(node.store->stats().total.items == 0);
    CHECK(node.exchange->acquaintance().epoch() == 99);
    CHECK_FALSE(node.exchange->acquaintance().is_unconfirmed());
    CHECK(node.exchange->stats().dirty_buckets == storage::bucket_count);
    CHECK(node.exchange->standing(node.now).peer_epoch == 0);
}

TEST_CASE(
    "a memory that tells of a version of the far future is not followed, and changes nothing") {
    Node before;
    before.make_all_clean();
    const auto good = before.exchange->remember(false);
    for (std::size_t at = 0; at + 8 <= good.size(); at += at < 160 ? 8 : 65'537) {
        auto bad = good;
        bad.replace(at, 8, 8, '\xFF');
        Node after;
        const auto floors = [&] {
            storage::Version highest = 0;
            for (std::size_t b = 0; b < storage::bucket_count; ++b) {
                const auto bucket = static_cast<storage::BucketNumber>(b);
                const auto shard = after.store->shard_of_bucket(bucket);
                highest = std::max(highest, after.sink.shard(shard).buckets.floor(bucket));
            }
            return highest;
        };
        (void)after.exchange->recall(bad, after.now);
        CHECK(floors() <= (after.now.version_ms + 24ULL * 3600 * 1000 + 1) << 23);
        CHECK(storage::time_of(after.exchange->acquaintance().split()) >> 10 <=
              after.now.version_ms + 24ULL * 3600 * 1000);
    }
}
