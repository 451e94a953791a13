// The one session of a node, from READY to whatever ends it: what the link's state, the connection
// and the store hear of it. What it carries is the exchange's, and tested there.
#include "replication/pair/link/session_keeper.hpp"

#include "replication/changes/change_sink.hpp"
#include "test/unit/replication/connections_room.hpp"

#include <catch2/catch.hpp>

#include <string>

using namespace twincached;
using namespace twincached::replication;
using namespace twincached::replication::pair;

namespace {

struct Keeper {
    explicit Keeper(OnPeerCrash on_crash = OnPeerCrash::keep) {
        options.self = self_of(node_a, 1000);
        options.settings = "set here";
        options.chosen.on_peer_crash = on_crash;
        incarnation.attach(store);
        keeper.attach(store);
        arbitration.attach(store);
        options.self.hash_check = 77;
        link.on(LinkEvent::start, instant_of(now), {});
        link.on(LinkEvent::connected, instant_of(now), {});
    }
    static storage::StoreOptions store_options() {
        auto options = storage::default_store_options();
        options.node = 0;
        options.shards = 1;
        options.memory_limit_bytes = 8U << 20;
        return options;
    }
    // READY was said both ways.
    Connection& begin(std::string settings = "set here") {
        FarEnd peer(1, self_of(node_b, 2000), Side::acceptor, 1);
        peer.settings = std::move(settings);
        connection.handshake.begin(connection.output);
        for (int turn = 0; turn < 4; ++turn) {
            peer.hear(std::exchange(connection.output, {}).readable(), now);
            answer(std::exchange(peer.output, {}).readable());
        }
        keeper.begin_exchange(connection, now);
        connection.phase = Phase::session;
        keeper.establish(connection, now);
        return connection;
    }
    template <class Payload>
    void hear(const Payload& payload) {
        lib::ByteBuffer bytes;
        write_frame(bytes, payload);
        keeper.on_frame(read_frame(bytes.readable()).frame, now);
    }
    void set(std::string_view key) {
        storage::Write write;
        write.value = "value";
        store.write(store.key(key), now, write);
    }
    std::string said() {
        std::string all;
        for (const auto& line : log.take())
            all += line.text + "\n";
        return all;
    }
    std::optional<Frame> last_word() {
        const auto read = read_frame(connection.output.readable());
        return read.status == FrameStatus::complete ? std::optional(read.frame) : std::nullopt;
    }

    EngineOptions options;
    storage::Now now{.steady_ms = 10'000, .version_ms = 50'000'000'000};
    ChangeSink sink{1, 1U << 20};
    storage::Store store{store_options(), lib::KeyedHash("k"), sink};
    Exchange exchange{sink, {.epoch = 1000, .node = 0}};
    LinkMachine link{options.timing, true, 1, OnSplit::both_serve};
    LinkLog log;
    Incarnation incarnation{options.self, exchange, log};
    Arbitration arbitration{{exchange, sink}, options.arbitration};
    SessionKeeper keeper{{options, incarnation, exchange, link, log, arbitration}};
    Connection connection{1, options.self, Side::dialler, make_nonce({1}, 1)};

  private:
    void answer(std::string_view bytes) {
        for (;;) {
            const auto read = read_frame(bytes);
            if (read.status != FrameStatus::complete) return;
            bytes.remove_prefix(read.size);
            const auto step = connection.handshake.on_frame(read.frame, now, connection.output);
            if (step != Handshake::Step::say_hello) continue;
            connection.handshake.write_hello(keeper.own_hello(now), connection.output);
        }
    }
};

}  // namespace

TEST_CASE("a session that begins is numbered, known to the link's state, and agrees on a role") {
    Keeper k;
    CHECK(k.keeper.session_number() == 0);
    CHECK_FALSE(k.keeper.peer_clock());
    const auto& connection = k.begin();
    CHECK(k.keeper.session_number() == connection.handshake.session_number());
    CHECK(k.link.state() == LinkState::syncing);
    CHECK(k.link.role() == Role::primary);
    CHECK(k.link.last_event().find("role: primary") != std::string::npos);
    CHECK(k.keeper.own_hello(k.now).live_session == k.keeper.session_number());
    CHECK(k.said().empty());
}

TEST_CASE("nodes that are set differently are told of at the beginning") {
    Keeper k;
    k.begin("set there");
    CHECK(k.said() == "the nodes are set differently: here set here; the peer set there\n");
}

TEST_CASE("however a session ends, the exchange, the connection and the link's state hear of it") {
    using Ending = SessionEnd::Ending;
    const auto [ending, refusals] = GENERATE(table<Ending, std::uint64_t>({{Ending::broken, 0},
                                                                           {Ending::vanished, 0},
                                                                           {Ending::died, 0},
                                                                           {Ending::farewell, 0},
                                                                           {Ending::refused, 1}}));
    Keeper k;
    k.begin();
    REQUIRE(k.exchange.in_session());
    k.keeper.end({ending, "as a test wants it"}, k.now);
    CHECK(k.keeper.session() == nullptr);
    CHECK_FALSE(k.exchange.in_session());
    CHECK(k.connection.phase == Phase::closed);
    CHECK(k.link.refusals() == refusals);
    CHECK(k.link.state() == (refusals == 0 ? LinkState::listening : LinkState::refused));
    CHECK(k.link.last_event().find("as a test wants it") != std::string::npos);
    CHECK(k.keeper.peer_clock());
}

TEST_CASE("bytes that are no frame end the session with a word that is to arrive") {
    Keeper k;
    k.begin();
    k.keeper.on_malformed(k.now);
    CHECK(k.connection.phase == Phase::closing);
    const auto word = k.last_word();
    REQUIRE(word);
    CHECK(word->type == FrameType::error);
}

TEST_CASE("a frame that breaks the protocol is answered before the end, a goodbye is not") {
    const bool leaves = GENERATE(true, false);
    Keeper k;
    k.begin();
    if (leaves) {
        k.hear(Bye{ByeReason::shutdown, "bye"});
    } else {
        k.hear(Error{ErrorReason::protocol, "no"});
    }
    CHECK(k.keeper.session() == nullptr);
    CHECK(k.last_word().has_value() == !leaves);
    CHECK(k.connection.phase == (leaves ? Phase::closed : Phase::closing));
}

TEST_CASE("a peer that is silent is told so, and its connection is reset") {
    Keeper k;
    k.begin();
    for (int i = 0; i < 40 && k.keeper.session() != nullptr; ++i) {
        k.now.steady_ms += 50;
        k.keeper.wake(k.now);
        k.keeper.judge(k.now);
    }
    CHECK(k.keeper.session() == nullptr);
    CHECK(k.connection.resets);
    const auto word = k.last_word();
    REQUIRE(word);
    CHECK(word->type == FrameType::bye);
}

TEST_CASE("a goodbye is said, and the connection stays until it has arrived") {
    Keeper k;
    k.begin();
    k.keeper.say_goodbye(k.now);
    CHECK(k.connection.phase == Phase::closing);
    const auto word = k.last_word();
    REQUIRE(word);
    CHECK(word->type == FrameType::bye);
}

TEST_CASE("at the output's limit nothing is written, and below it something is") {
    const std::size_t below = GENERATE(0U, 1U);
    Keeper k;
    auto& connection = k.begin();
    connection.waiting = SessionKeeper::output_limit_bytes - below;
    k.keeper.produce(k.now);
    CHECK(connection.output.empty() == (below == 0));
}

TEST_CASE("items go when a peer is lost that has served, as this node has, if that is wanted") {
    const bool wanted = GENERATE(true, false);
    const bool served = GENERATE(true, false);
    const bool leaves = GENERATE(true, false);
    Keeper k(wanted ? OnPeerCrash::flush : OnPeerCrash::keep);
    k.begin();
    k.link.on(LinkEvent::caught_up, instant_of(k.now), {});
    REQUIRE(k.link.serving() == Serving::ready);
    NodeState state;
    state.serving = served;
    k.hear(state);
    k.set("key");
    k.now.steady_ms += 10;
    k.now.version_ms += 10;
    const auto how = leaves ? SessionEnd::Ending::farewell : SessionEnd::Ending::vanished;
    k.keeper.end({how, "gone"}, k.now);
    const auto key = k.store.key("key");
    const bool is_held = k.store.get(key, k.now, [](const storage::ItemView&) {}).hit();
    CHECK(is_held == !(wanted && served && !leaves));
}

TEST_CASE("without a session nothing is judged, woken or written") {
    Keeper k;
    k.keeper.wake(k.now);
    k.keeper.judge(k.now);
    k.keeper.produce(k.now);
    k.keeper.tend(nullptr, k.now);
    CHECK(k.connection.output.empty());
    CHECK(k.said().empty());
    CHECK(k.link.state() == LinkState::handshake);
}
