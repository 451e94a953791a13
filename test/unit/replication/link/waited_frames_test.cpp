// What lay in the link's socket while this node stood still, and the peer went on without it: of
// what the peer wants done nothing is done that it may want no more.
#include "replication/records/arbitration_frames.hpp"
#include "test/unit/replication/hostile_peer.hpp"

#include <catch2/catch.hpp>

#include <chrono>
#include <optional>
#include <string>

namespace twincached::replication::pair {
namespace {

// In a session with a node that serves, is the primary, and decides.
struct PeerThatAsks : HostilePeer {
    PeerThatAsks() {
        few_items = 64;
        while (engine.link().serving() != Serving::ready)
            pass(default_timing().heartbeat);
        hello.capabilities |= capability_orders;
        REQUIRE(begin_session());
        REQUIRE(engine.link().role() == Role::primary);
    }

    // No event reaches the node meanwhile.
    void stand_still(Timing::ms time) {
        now.steady_ms += static_cast<std::uint64_t>(time.count());
        now.version_ms += static_cast<std::uint64_t>(time.count());
    }
    void ask() {
        storage::Arithmetic increment;
        increment.vivify = storage::Expiry::never();
        increment.initial = 1;
        lib::ByteBuffer bytes;
        write_request(bytes, {++number_, now.steady_ms, 0}, {increment, "counter", ""});
        say_bytes(bytes.readable());
    }
    // Of the answer to the last; none: it is still owed.
    std::optional<VerdictWord> verdict() {
        listen();
        return verdict_;
    }
    // As a peer does that goes on.
    void answer_ping() {
        listen();
        REQUIRE(ping_);
        say(Pong{ping_->steady_ms, 0});
    }
    bool has_counter() {
        return store.get(store.key("counter"), now, [](const storage::ItemView&) {}).hit();
    }

  private:
    void listen() {
        const auto heard = take_heard();
        std::string_view rest = heard;
        for (;;) {
            const auto read = read_frame(rest);
            if (read.status != FrameStatus::complete) return;
            rest.remove_prefix(read.size);
            if (read.frame.type == FrameType::ping) ping_ = read_ping(read.frame.payload);
            if (read.frame.type != FrameType::outcome) continue;
            const auto never = [](std::uint64_t) { return storage::Expiry::never(); };
            const auto outcome = read_outcome(read.frame.payload, never);
            REQUIRE(outcome);
            verdict_ = outcome->verdict;
        }
    }

    std::uint64_t number_ = 0;
    std::optional<Ping> ping_;
    std::optional<VerdictWord> verdict_;
};

const auto patience = default_timing().patience_of_peer();

}  // namespace

TEST_CASE("what the peer asked of a node that stood still is not decided, what it asks then is") {
    PeerThatAsks peer;
    peer.stand_still(patience + std::chrono::milliseconds(1));
    peer.ask();
    CHECK(peer.verdict() == VerdictWord::not_mine);
    CHECK_FALSE(peer.has_counter());
    peer.answer_ping();
    peer.ask();
    CHECK(peer.verdict() == VerdictWord::done);
    CHECK(peer.has_counter());
}

TEST_CASE("after a pause that the peer has not noticed what it asked is decided") {
    PeerThatAsks peer;
    peer.stand_still(patience);
    peer.ask();
    CHECK(peer.verdict() == VerdictWord::done);
}

TEST_CASE("a PING of before the pause that is answered shows nothing") {
    PeerThatAsks peer;
    peer.pass(default_timing().heartbeat);
    const auto before = peer.now.steady_ms;
    peer.stand_still(patience + std::chrono::milliseconds(1));
    peer.say(Pong{before, 0});
    peer.ask();
    CHECK(peer.verdict() == VerdictWord::not_mine);
}

TEST_CASE("a role that was handed over to a node that stood still is not taken") {
    PeerThatAsks peer;
    peer.say(OrderFrame{OrderWord::took_over});
    for (int i = 0; i < 10; ++i) {
        peer.pass(default_timing().heartbeat);
        peer.say(Ping{.steady_ms = peer.now.steady_ms});
    }
    REQUIRE(peer.engine.link().role() == Role::secondary);
    const bool has_stood_still = GENERATE(true, false);
    if (has_stood_still) peer.stand_still(patience + std::chrono::milliseconds(1));
    peer.say(OrderFrame{OrderWord::hand_over});
    CHECK(peer.engine.link().role() == (has_stood_still ? Role::secondary : Role::primary));
    if (!has_stood_still) return;
    peer.answer_ping();
    peer.say(OrderFrame{OrderWord::hand_over});
    CHECK(peer.engine.link().role() == Role::primary);
}

}  // namespace twincached::replication::pair
