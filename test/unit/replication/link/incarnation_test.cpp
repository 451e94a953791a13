// Who a node is to its peer, and when it has to begin anew. What the two agree on by their HELLOs
// is the acquaintance's, and tested there.
#include "replication/pair/link/incarnation.hpp"

#include "replication/changes/change_sink.hpp"

#include <catch2/catch.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

using namespace twincached;
using namespace twincached::replication;
using namespace twincached::replication::pair;

namespace {

constexpr std::uint64_t day_ms = 24ULL * 3600 * 1000;

struct Node {
    explicit Node(std::string secret = {}, unsigned number = node_a) {
        self.secret = std::move(secret);
        self.node = number;
        self.epoch = 11;
        incarnation.attach(store);
    }
    static storage::StoreOptions options() {
        auto options = storage::default_store_options();
        options.node = 0;
        options.shards = 1;
        options.memory_limit_bytes = 8U << 20;
        return options;
    }
    void set(std::string_view key) {
        storage::Write write;
        write.value = "value";
        REQUIRE(store.write(store.key(key), now, write).outcome == storage::WriteOutcome::stored);
    }
    std::uint64_t items() const { return store.stats().total.items; }
    storage::Version version_of(std::string_view key) {
        storage::Version version = 0;
        store.peek(store.key(key), now,
                   [&](const storage::ItemView& item) { version = item.version; });
        return version;
    }
    Hello peer() const {
        Hello hello;
        hello.epoch = 22;
        hello.version_ms = now.version_ms;
        return hello;
    }
    std::string said() {
        std::string all;
        for (const auto& line : log.take())
            all += line.text + "\n";
        return all;
    }

    Self self;
    storage::Now now{.steady_ms = 10'000, .version_ms = 50 * day_ms};
    ChangeSink sink{1, 1U << 16};
    storage::Store store{options(), lib::KeyedHash("k"), sink};
    Exchange exchange{sink, {.epoch = 11, .node = 0}};
    LinkLog log;
    Incarnation incarnation{self, exchange, log};
};

}  // namespace

TEST_CASE("a node that begins anew holds nothing, and is an incarnation that nobody has met") {
    Node node;
    node.set("key");
    node.incarnation.begin_anew(Nonce{1, 2, 3}, "as a test wants it", node.now);
    CHECK(node.items() == 0);
    CHECK(node.self.epoch != 11);
    CHECK(node.exchange.acquaintance().epoch() == node.self.epoch);
    CHECK(node.said() == "all items are forgotten: as a test wants it\n");
    node.incarnation.begin_anew(Nonce{}, "again", node.now);
    CHECK(node.self.epoch != 0);
}

TEST_CASE("a node is told once which of the two it is") {
    Node node({}, node_undecided);
    node.incarnation.decide_node(node_b, "its operator says so");
    CHECK(node.self.node == node_b);
    CHECK(node.exchange.acquaintance().node() == node_b);
    CHECK(node.said() == "this node is b: its operator says so\n");
}

TEST_CASE("a node that has served nobody hashes keys as its peer does, with a secret, once") {
    Node node("secret");
    const auto before = node.self.hash_check;
    CHECK_FALSE(node.incarnation.take_up_peers_hash(false, true, {}));
    CHECK(node.self.hash_check == before);
    CHECK(node.incarnation.take_up_peers_hash(true, true, {}));
    CHECK(node.self.hash_check != before);
    CHECK(node.self.hash_check == node.store.key("twincached: do both nodes hash alike?").hash);
    CHECK_FALSE(node.incarnation.take_up_peers_hash(true, true, {}));
}

TEST_CASE("a node that has served nobody takes up the seed that its peer tells") {
    Node node("secret");
    const auto seed = node.store.hash_seed() + 1;
    auto peer = node.peer();
    peer.hash_seed = seed;
    peer.hash_check = lib::KeyedHash::of_seed(seed)("twincached: do both nodes hash alike?");
    SECTION("of a peer that serves") {
        peer.ready_since_ms = 1;
        CHECK_FALSE(node.incarnation.take_up_peers_hash(false, true, peer));
        CHECK(node.incarnation.take_up_peers_hash(true, false, peer));
        CHECK(node.store.hash_seed() == seed);
        CHECK(node.self.hash_check == peer.hash_check);
    }
    SECTION("of one that is new as well if it is the one that follows") {
        CHECK_FALSE(node.incarnation.take_up_peers_hash(true, false, peer));
        CHECK(node.incarnation.take_up_peers_hash(true, true, peer));
    }
    SECTION("not one that does not fit what the peer says of its hash") {
        ++peer.hash_check;
        CHECK_FALSE(node.incarnation.take_up_peers_hash(true, true, peer));
    }
    SECTION("also after it has hashed as versions before this for a while") {
        CHECK(node.incarnation.take_up_peers_hash(true, true, {}));
        CHECK(node.incarnation.may_take_up_hash(true));
        CHECK(node.incarnation.take_up_peers_hash(true, true, peer));
        node.incarnation.begin_exchange(peer, node.now);
        CHECK_FALSE(node.incarnation.may_take_up_hash(true));
    }
}

TEST_CASE("of two secrets the other is tried where one is refused, and then it is a refusal") {
    Node node("new");
    CHECK_FALSE(node.incarnation.try_other_secret());
    node.incarnation.use_secrets("new", "old");
    CHECK(node.incarnation.try_other_secret());
    CHECK(node.self.secret == "old");
    CHECK_FALSE(node.incarnation.try_other_secret());
    CHECK(node.self.secret == "new");
    CHECK(node.incarnation.try_other_secret());
    node.incarnation.begin_exchange(node.peer(), node.now);  // a session: old is the right one
    CHECK(node.incarnation.try_other_secret());
    CHECK(node.self.secret == "new");
}

TEST_CASE("a node that is given another secret goes on with the one that the peer knew") {
    Node node("first");
    node.incarnation.use_secrets("second", "first");
    CHECK(node.self.secret == "first");
    CHECK(node.self.other_secret == "second");
    node.incarnation.use_secrets("second", "");
    CHECK(node.self.secret == "second");
    CHECK(node.self.other_secret.empty());
}

TEST_CASE("a node hashes on as it did if it has no secret, holds items or has met its peer") {
    Node open;
    CHECK_FALSE(open.incarnation.take_up_peers_hash(true, true, {}));
    Node full("secret");
    full.set("key");
    CHECK_FALSE(full.incarnation.take_up_peers_hash(true, true, {}));
    Node paired("secret");
    paired.incarnation.begin_exchange(paired.peer(), paired.now);
    CHECK_FALSE(paired.incarnation.take_up_peers_hash(true, true, {}));
}

TEST_CASE("what was recalled needs the word of the peer that was left, until it is given") {
    Node before;
    before.incarnation.begin_exchange(before.peer(), before.now);
    const auto memory = before.exchange.remember(false);

    Node after("secret");
    after.self.epoch = 99;
    REQUIRE(after.incarnation.recall(memory, after.now));
    CHECK(after.self.epoch == 11);
    CHECK(after.incarnation.needs_peers_word());
    CHECK_FALSE(after.incarnation.take_up_peers_hash(true, true, {}));

    SECTION("a peer that knows nothing of it is no witness") {
        CHECK(after.incarnation.judge_past(after.peer()) == Meeting::begin_anew);
    }
    SECTION("the one that was left is, if it has heard of the incarnation") {
        auto peer = after.peer();
        peer.peer_epoch = 11;
        peer.past.session = 1;
        peer.past.heard_session = 1;
        REQUIRE(after.incarnation.judge_past(peer) == Meeting::begin);
        after.incarnation.begin_exchange(peer, after.now);
        CHECK_FALSE(after.incarnation.needs_peers_word());
        CHECK(after.said().find("the peer confirms the items of the memory file") !=
              std::string::npos);
    }
}

TEST_CASE("a memory that is damaged is refused, and the node stays who it is") {
    Node node;
    CHECK_FALSE(node.incarnation.recall("no memory", node.now));
    CHECK(node.self.epoch == 11);
}

TEST_CASE(
    "versions further ahead than a clock may be that is right now were written by a wrong one") {
    Node node;
    node.set("key");
    CHECK_FALSE(node.incarnation.wrote_by_wrong_clock(node.now));
    node.now.version_ms += 40 * day_ms;
    node.set("key");
    // The clock is set right.
    node.now.version_ms -= 40 * day_ms;
    CHECK(node.incarnation.wrote_by_wrong_clock(node.now));
    node.incarnation.correct_versions(Nonce{1}, node.now);
    node.set("key");
    CHECK_FALSE(node.incarnation.wrote_by_wrong_clock(node.now));
}

// The node's own clock, which is not set back at once, says so for a while.
TEST_CASE("what clients write on after a wrong clock is written by the right one") {
    Node node;
    node.now.unix_seconds = 1'735'689'600 + static_cast<std::int64_t>(node.now.version_ms / 1000);
    node.now.version_ms += 40 * day_ms;
    node.set("key");
    REQUIRE(node.incarnation.wrote_by_wrong_clock(node.now));
    node.incarnation.correct_versions(Nonce{1}, node.now);
    node.now.version_ms += 10;
    node.set("key");
    (void)node.store.flush(node.now);
    CHECK_FALSE(node.incarnation.wrote_by_wrong_clock(node.now));
}

TEST_CASE("what a wrong clock has given is corrected, and nothing is lost") {
    Node node;
    const auto right = node.now;
    node.set("before");
    node.now.version_ms += 40 * day_ms;
    node.set("flushed");
    (void)node.store.flush(node.now);
    node.set("deleted");
    (void)node.store.remove(node.store.key("deleted"), node.now, {});
    node.set("earlier");
    node.set("later");
    node.store.schedule_flush(node.now.steady_ms + 60'000, node.now);
    const auto deleted = storage::bucket_of(node.store.key("deleted").hash);
    node.incarnation.correct_versions(Nonce{1}, right);
    node.now = right;
    CHECK_FALSE(node.incarnation.wrote_by_wrong_clock(right));
    CHECK(node.items() == 2);  // neither what was flushed nor what was deleted

    const auto told = node.exchange.standing(right);
    const storage::VersionGate gate(right.version_ms, 1);
    CHECK(is_credible(told, gate));
    CHECK(told.flush_version != 0);
    CHECK(told.schedule_at_ms == right.steady_ms + 60'000);
    const auto floor = node.sink.shard(0).buckets.floor(deleted);
    CHECK(floor > told.flush_version);
    CHECK(node.version_of("earlier") > floor);
    CHECK(node.version_of("later") > node.version_of("earlier"));
    CHECK(gate.admits_item(node.version_of("later")));
    const auto corrected = node.version_of("later");
    node.set("later");
    CHECK(node.version_of("later") > corrected);
    CHECK(node.self.epoch != 11);
}
