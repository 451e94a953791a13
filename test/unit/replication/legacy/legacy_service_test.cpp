#include "replication/changes/change_sink.hpp"
#include "replication/pair/link/engine.hpp"
#include "replication/records/frame.hpp"
#include "storage/store.hpp"

#include <catch2/catch.hpp>

#include <chrono>
#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

using namespace twincached;
using namespace twincached::replication;
using namespace twincached::replication::pair;

namespace {

constexpr std::string_view secret_item = "only-for-the-peer";

// The engine of a node, whose peer may be a repcached, and whoever is at the other ends.
class ServedNode {
  public:
    explicit ServedNode(LegacyOptions legacy = {true, true})
        : sink(1, 1 << 20),
          store(store_options(), lib::KeyedHash(), sink),
          engine(options(legacy), sink) {
        sink.set_wake([] {});
        engine.attach(store);
        engine.start(now);
        turn();
    }
    static storage::StoreOptions store_options() {
        auto options = storage::default_store_options();
        options.node = 1;
        options.shards = 1;
        options.memory_limit_bytes = 8U << 20;
        return options;
    }
    static EngineOptions options(LegacyOptions legacy) {
        EngineOptions options;
        options.self.node = 1;
        options.self.epoch = 7;
        options.chosen.legacy = legacy.is_on;
        options.chosen.legacy_applies = legacy.applies;
        return options;
    }

    // Whoever accepts this node's call.
    ConnectionId answer() {
        REQUIRE(dials);
        dials = false;
        engine.on_connected(++last_, now);
        turn();
        return last_;
    }
    ConnectionId called(bool from_peer) {
        engine.on_accepted(++last_, now, "somebody", from_peer);
        turn();
        return last_;
    }
    void hear(ConnectionId id, std::string_view bytes) {
        engine.on_bytes(id, bytes, now);
        turn();
    }
    void hear(ConnectionId id, const lib::ByteBuffer& bytes) { hear(id, bytes.readable()); }
    void pass(std::chrono::milliseconds time) {
        now.steady_ms += static_cast<std::uint64_t>(time.count());
        now.version_ms += static_cast<std::uint64_t>(time.count());
        engine.on_timer(now);
        turn();
    }
    // A peer of ours takes up a session on a connection of its own.
    void peer_comes() {
        const auto id = called(true);
        lib::ByteBuffer bytes;
        write_frame(bytes, Challenge{.node = 0, .epoch = 99, .cluster = {}});
        hear(id, bytes);
        Hello hello;
        hello.epoch = 99;
        hello.version_ms = now.version_ms;
        hello.hash_check = store.key("twincached: do both nodes hash alike?").hash;
        bytes = {};
        write_frame(bytes, hello);
        hear(id, bytes);
        bytes = {};
        write_empty_frame(bytes, FrameType::ready);
        hear(id, bytes);
    }
    void turn() {
        std::vector<Action> actions;
        engine.drain(now, actions);
        for (auto& action : actions) {
            if (action.kind == Action::Kind::dial) dials = true;
            if (action.kind == Action::Kind::hang_up) dials = false;
            if (action.kind == Action::Kind::ready) is_ready = true;
            const bool is_end =
                action.kind == Action::Kind::close || action.kind == Action::Kind::reset;
            if (is_end) ends[action.connection] = true;
            if (action.kind != Action::Kind::send) continue;
            said[action.connection] += action.bytes.readable();
            engine.on_sent(action.connection, action.bytes.size(), now);
        }
    }
    void set(std::string_view key, std::string_view value) {
        storage::Write write;
        write.value = value;
        (void)store.write(store.key(key), now, write);
        engine.on_wake(now);
        turn();
    }
    std::string get(std::string_view key) {
        std::string text = "-";
        (void)store.read(store.key(key), now, {},
                         [&](const auto& item, const auto&) { text = std::string(item.value); });
        return text;
    }
    LegacyState state() const { return engine.report(now).legacy.state; }
    bool is_told(ConnectionId id, std::string_view text) {
        return said[id].find(text) != std::string::npos;
    }

    storage::Now now{.steady_ms = 10'000, .version_ms = 50'000'000};
    ChangeSink sink;
    storage::Store store;
    Engine engine;
    bool dials = false;
    bool is_ready = false;
    std::map<ConnectionId, std::string> said;
    std::map<ConnectionId, bool> ends;

  private:
    ConnectionId last_ = 0;
};

constexpr std::chrono::milliseconds second{1000};

}  // namespace

TEST_CASE(
    "a repcached that takes the call fills a cold node, which serves at the end of its dump") {
    ServedNode node;
    const auto old = node.answer();
    CHECK(static_cast<unsigned char>(node.said[old].front()) == 0xC7);
    CHECK(node.said[old].size() < 1024);
    node.hear(old, "rep k 0 0 1 1\r\nv\r\n");
    CHECK(node.said[old].ends_with("\r\n"));
    CHECK(node.state() == LegacyState::filling);
    CHECK_FALSE(node.is_ready);
    node.hear(old, "marugoto_end\r\n");
    CHECK(node.is_ready);
    CHECK(node.state() == LegacyState::linked);
    CHECK(node.engine.link().state() == LinkState::linked);
    CHECK(node.engine.link().role() == Role::secondary);
    CHECK(node.get("k") == "v");
    CHECK(node.engine.report(node.now).peer_software == "repcached");
}

TEST_CASE(
    "a repcached that called says nothing, and gets all after a second, from its address alone") {
    ServedNode node;
    node.set("k", secret_item);
    const auto stranger = node.called(false);
    const auto old = node.called(true);
    node.pass(second - std::chrono::milliseconds(1));
    CHECK(node.said[old].empty());
    node.pass(std::chrono::milliseconds(1));
    CHECK(node.said[old].starts_with("rep k "));
    CHECK(node.said[old].ends_with("marugoto_end\r\n"));
    node.pass(2 * second);
    CHECK_FALSE(node.is_told(stranger, secret_item));
    CHECK(node.ends[stranger]);
    CHECK(node.is_ready);
    node.set("l", "w");
    CHECK(node.is_told(old, "rep l "));
}

TEST_CASE("with legacy = no a repcached gets nothing, and nothing that it says is taken") {
    ServedNode node({false, true});
    node.set("k", secret_item);
    const auto silent = node.called(true);
    const auto talking = node.called(true);
    node.hear(talking, "flush_all \r\nrep k 0 0 1 1\r\nv\r\n");
    const auto called = node.answer();
    node.hear(called, "rep k 0 0 1 1\r\nv\r\nmarugoto_end\r\n");
    node.pass(4 * second);
    CHECK(node.get("k") == secret_item);
    for (const auto id : {silent, talking, called})
        CHECK_FALSE(node.is_told(id, secret_item));
    CHECK(node.ends[silent]);
    CHECK(node.ends[talking]);
}

TEST_CASE("from another address than the peer's nothing of a repcached is understood") {
    ServedNode node;
    node.set("k", secret_item);
    const auto stranger = node.called(false);
    node.hear(stranger, "flush_all \r\nrep k 0 0 1 1\r\nv\r\n");
    node.pass(3 * second);
    CHECK(node.get("k") == secret_item);
    CHECK(node.said[stranger].empty());
    CHECK(node.state() == LegacyState::waiting);
}

TEST_CASE("a peer that shows itself takes the place of a repcached") {
    ServedNode node;
    const auto old = node.answer();
    node.hear(old, "rep k 0 0 1 1\r\nv\r\nmarugoto_end\r\n");
    node.peer_comes();
    CHECK(node.engine.has_session());
    CHECK(node.ends[old]);
    CHECK(node.state() == LegacyState::waiting);
    CHECK(node.engine.link().role() == Role::primary);
}

TEST_CASE("while the pair is in a session nobody at the peer's address is a repcached") {
    ServedNode node;
    node.set("k", secret_item);
    node.peer_comes();
    REQUIRE(node.engine.has_session());
    const auto silent = node.called(true);
    const auto talking = node.called(true);
    node.hear(talking, "delete k\r\n");
    for (int i = 0; i < 9; ++i)
        node.pass(std::chrono::milliseconds(100));
    CHECK(node.engine.has_session());
    CHECK(node.said[silent].empty());
    CHECK(node.said[talking].empty());
    CHECK(node.get("k") == secret_item);
}

TEST_CASE("apply = no makes this node the primary, and what the repcached says counts no more") {
    ServedNode node;
    const auto old = node.answer();
    node.hear(old, "rep k 0 0 1 1\r\nv\r\nmarugoto_end\r\n");
    node.engine.set_legacy({true, false}, node.now);
    node.turn();
    CHECK(node.engine.link().role() == Role::primary);
    node.hear(old, "delete k\r\n");
    CHECK(node.get("k") == "v");
    node.engine.set_legacy({false, true}, node.now);
    node.turn();
    CHECK(node.ends[old]);
    CHECK(node.state() == LegacyState::off);
}

TEST_CASE(
    "apply = yes again: what was passed over is asked for, and counts against what was told") {
    ServedNode node;
    const auto old = node.answer();
    node.hear(old, "rep k 0 0 1 1\r\nv\r\nmarugoto_end\r\n");
    node.engine.set_legacy({true, false}, node.now);
    node.set("mine", "1");
    CHECK(node.is_told(old, "mine"));
    node.hear(old, "delete k\r\nrep mine 0 0 1 2\r\n2\r\n");
    node.engine.set_legacy({true, true}, node.now);
    node.turn();
    CHECK(node.ends[old]);
    for (int i = 0; i < 10 && !node.dials; ++i)
        node.pass(std::chrono::milliseconds(100));
    const auto again = node.answer();
    node.hear(again, "rep mine 0 0 1 2\r\n2\r\nmarugoto_end\r\n");
    CHECK(node.engine.link().role() == Role::secondary);
    CHECK(node.get("mine") == "2");
    CHECK(node.get("k") == "-");
    CHECK_FALSE(node.is_told(again, "mine"));
}

TEST_CASE("an operator's resync calls the repcached anew, for a second dump") {
    ServedNode node;
    const auto old = node.answer();
    node.hear(old, "rep k 0 0 1 1\r\nv\r\nrep l 0 0 1 1\r\nv\r\nmarugoto_end\r\n");
    CHECK(objection_to(Order::resync, node.engine.report(node.now).order_facts).empty());
    CHECK_FALSE(objection_to(Order::switch_over, node.engine.report(node.now).order_facts).empty());
    node.engine.take(Order::resync, node.now);
    node.turn();
    CHECK(node.ends[old]);
    for (int i = 0; i < 10 && !node.dials; ++i)
        node.pass(std::chrono::milliseconds(100));
    const auto again = node.answer();
    node.hear(again, "rep k 0 0 1 2\r\nw\r\nmarugoto_end\r\n");
    CHECK(node.get("k") == "w");
    CHECK(node.get("l") == "-");
    CHECK(node.engine.report(node.now).legacy.stats.dumps_received == 2);
}

TEST_CASE("a starting node waits for a repcached that took its call, but not for ever") {
    ServedNode node;
    const auto old = node.answer();
    for (int i = 0; i < 29; ++i)
        node.pass(second);
    CHECK_FALSE(node.is_ready);
    CHECK_FALSE(node.ends[old]);
    for (int i = 0; i < 5; ++i)
        node.pass(second);
    CHECK(node.is_ready);
}

TEST_CASE("what no repcached says ends its session, and the node calls again") {
    ServedNode node;
    const auto old = node.answer();
    node.hear(old, "marugoto_end\r\nSERVER_ERROR\r\n");
    CHECK(node.ends[old]);
    CHECK(node.state() == LegacyState::waiting);
    for (int i = 0; i < 10 && !node.dials; ++i)
        node.pass(std::chrono::milliseconds(100));
    CHECK(node.dials);
}

TEST_CASE("a node that stops has told a repcached all that it changed") {
    ServedNode node;
    const auto old = node.answer();
    node.hear(old, "marugoto_end\r\n");
    storage::Write write;
    write.value = "last";
    (void)node.store.write(node.store.key("k"), node.now, write);
    node.engine.begin_drain(node.now);
    node.turn();
    node.turn();
    CHECK(node.is_told(old, "rep k "));
    CHECK(node.ends[old]);
}
