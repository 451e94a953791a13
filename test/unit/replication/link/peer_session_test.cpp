// What a session does with frames of its own: PING, STATE, BYE and what it does not know.
#include "replication/pair/link/peer_session.hpp"

#include "replication/ack_gate.hpp"
#include "replication/pair/link/control_frames.hpp"
#include "replication/pair/pair_options.hpp"
#include "storage/store.hpp"

#include <catch2/catch.hpp>

#include <string>

using namespace twincached;
using namespace twincached::replication;
using namespace twincached::replication::pair;
using namespace std::chrono_literals;

namespace {

struct Fixture {
    Fixture() {
        exchange.attach(store);
        Standing peer;
        peer.epoch = 77;
        exchange.begin(peer, now);
        (void)gate.observe({true, 0, now.steady_ms});
        REQUIRE(gate.is_in_sync());
    }
    static storage::StoreOptions options() {
        auto options = storage::default_store_options();
        options.node = 1;
        options.shards = 1;
        options.memory_limit_bytes = 16U << 20;
        return options;
    }
    template <class Payload>
    std::optional<SessionEnd> hear(const Payload& payload) {
        lib::ByteBuffer bytes;
        write_frame(bytes, payload);
        return hear(bytes);
    }
    std::optional<SessionEnd> hear(const lib::ByteBuffer& bytes) {
        const auto read = read_frame(bytes.readable());
        REQUIRE(read.status == FrameStatus::complete);
        return session.on_frame(read.frame, now);
    }

    storage::Now now{.steady_ms = 10'000, .version_ms = 1'000'000};
    lib::KeyedHash hash;
    AckGate gate{1, {50ms, false}};
    ChangeSink sink{1, 1U << 20, &gate};
    storage::Store store{options(), hash, sink};
    Exchange exchange{sink, {.epoch = 12, .node = 1}};
    Timing timing = default_timing();
    Hello hello;
    Arbitration arbitration{{exchange, sink}, default_arbitration_options()};
    PeerSession session{{exchange, store, timing, arbitration}, 1, hello, now};
};

}  // namespace

TEST_CASE("a peer that has buckets to be told of is not waited for: it may have refused changes") {
    Fixture f;
    NodeState state;
    CHECK_FALSE(f.hear(state));
    CHECK(f.gate.is_in_sync());
    state.dirty_buckets = 1;
    CHECK_FALSE(f.hear(state));
    CHECK_FALSE(f.gate.is_in_sync());
}

TEST_CASE("a goodbye is one only if the peer shuts down") {
    Fixture f;
    const auto farewell = f.hear(Bye{ByeReason::shutdown, "bye"});
    REQUIRE(farewell);
    CHECK(farewell->ending == SessionEnd::Ending::farewell);
    for (const auto reason : {ByeReason::crossed, ByeReason::replaced, ByeReason::unheard}) {
        const auto end = f.hear(Bye{reason, "not for good"});
        REQUIRE(end);
        CHECK(end->ending == SessionEnd::Ending::broken);
    }
}

TEST_CASE("a frame that nobody knows is passed over if it says that it may be") {
    constexpr auto unknown = static_cast<FrameType>(0x7E);
    for (const bool may_ignore : {true, false}) {
        Fixture f;
        lib::ByteBuffer bytes;
        FrameWriter frame(bytes, unknown, 0, may_ignore ? frame_ignorable : 0);
        frame.finish();
        const auto end = f.hear(bytes);
        CHECK(end.has_value() == !may_ignore);
        if (end) CHECK(end->ending == SessionEnd::Ending::refused);
    }
}

TEST_CASE("a frame of the session's own whose payload is none of its kind ends it") {
    for (const auto type : {FrameType::ping, FrameType::pong, FrameType::state}) {
        Fixture f;
        lib::ByteBuffer bytes;
        FrameWriter frame(bytes, type);
        bytes.append("x");
        frame.finish();
        const auto end = f.hear(bytes);
        REQUIRE(end);
        CHECK(end->ending == SessionEnd::Ending::broken);
    }
}

TEST_CASE("a session that has said all there is rests, and the next change wakes it") {
    Fixture f;
    int wakes = 0;
    f.sink.set_wake([&] { ++wakes; });
    const LinkMachine link(f.timing, true, 1, OnSplit::both_serve);
    const auto change = [&] {
        storage::Write write;
        write.value = "v";
        f.store.write(f.store.key("k"), f.now, write);
    };
    lib::ByteBuffer out;
    constexpr std::size_t room = 4U << 20;
    f.session.produce(out, link, {.room = room}, f.now);
    REQUIRE(out.size() < room);
    CHECK(wakes == 0);
    change();
    CHECK(wakes == 1);
    change();  // it is awake
    CHECK(wakes == 1);
    // One that has no room has not looked whether there is something to say.
    f.session.produce(out, link, {.waiting = room, .room = 0}, f.now);
    change();
    CHECK(wakes == 1);
}

TEST_CASE("a STATE is told at once when the role changes, and else with the heartbeat") {
    Fixture f;
    LinkMachine link(f.timing, false, 1, OnSplit::both_serve);
    link.on(LinkEvent::start, instant_of(f.now), {});
    const auto states_told = [&] {
        lib::ByteBuffer out;
        f.session.produce(out, link, {.room = 4U << 20}, f.now);
        std::size_t states = 0;
        for (auto rest = out.readable(); !rest.empty();) {
            const auto read = read_frame(rest);
            if (read.frame.type == FrameType::state) ++states;
            rest.remove_prefix(read.size);
        }
        return states;
    };
    (void)states_told();
    (void)states_told();  // of what it has told meanwhile
    CHECK(states_told() == 0);
    link.step_back(instant_of(f.now), "the other node took over");
    CHECK(states_told() == 1);
    CHECK(states_told() == 0);
    f.now.steady_ms += static_cast<std::uint64_t>(f.timing.heartbeat.count());
    CHECK(states_told() == 1);
}
