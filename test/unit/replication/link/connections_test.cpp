// Connections alone: how they come to be the session, and what of the past is in its way. What
// makes them give way to each other is in connection_limits_test.cpp.
#include "test/unit/replication/connections_room.hpp"

#include <catch2/catch.hpp>

#include <chrono>
#include <string>

using namespace twincached::replication;
using namespace twincached::replication::pair;
using namespace std::chrono_literals;

namespace {

using Room = ConnectionsRoom;

const Bye given_up{ByeReason::crossed, "another connection of the two was taken"};

}  // namespace

TEST_CASE(
    "node a chooses a connection that is complete, and READY both ways makes it the session") {
    Room a(node_a);
    auto& peer = a.called();
    a.talk();
    CHECK(peer.heard == "chr");
    CHECK(a.phase(peer) == Phase::chosen);
    CHECK(a.host.asked == "begin ");
    a.say_ready(peer);
    CHECK(a.phase(peer) == Phase::session);
    CHECK(a.host.asked == "begin establish ");
    CHECK(a.host.held == peer.handshake.session_number());
}

TEST_CASE("node b chooses nothing: it answers READY to READY") {
    Room b(node_b);
    auto& peer = b.called();
    b.talk();
    CHECK(peer.heard == "ch");
    CHECK(b.phase(peer) == Phase::complete);
    b.say_ready(peer);
    CHECK(peer.heard == "chr");
    CHECK(b.host.asked == "begin establish ");
}

TEST_CASE("a READY out of turn ends the handshake") {
    const auto node = GENERATE(node_a, node_b);
    Room room(node);
    auto& peer = room.called();
    room.say_ready(peer);
    CHECK_FALSE(room.is_open(peer));
    CHECK(room.strangers.count() == 1);
    CHECK(room.host.asked.empty());
}

TEST_CASE("of two dials that cross node a takes its own, and nothing is wrong with the other") {
    Room a(node_a);
    auto& theirs = a.called();
    auto& ours = a.dialled();
    a.talk();
    CHECK(a.phase(ours) == Phase::chosen);
    a.say_ready(ours);
    CHECK(a.phase(ours) == Phase::session);
    CHECK(a.phase(theirs) == Phase::closing);
    CHECK(theirs.heard_last('b'));
    CHECK(a.strangers.count() == 0);
}

TEST_CASE("node a waits for its own dial while that is answered, and no longer than a moment") {
    Room a(node_a);
    auto& ours = a.dialled();
    ours.silent = true;
    a.talk();
    auto& theirs = a.called();
    // The peer's CHALLENGE is there, its HELLO is not.
    a.say(ours, Challenge{.node = 1, .epoch = 2000, .cluster = "shop"});
    REQUIRE(a.phase(theirs) == Phase::complete);
    a.pass(a.timing.crossed_wait - 1ms);
    CHECK(a.phase(theirs) == Phase::complete);
    a.pass(1ms);
    CHECK(a.phase(theirs) == Phase::chosen);
}

TEST_CASE("whoever does not answer READY is given up after a second, and the exchange with it") {
    Room a(node_a);
    auto& peer = a.called();
    a.talk();
    REQUIRE(a.phase(peer) == Phase::chosen);
    a.pass(999ms);
    CHECK(a.is_open(peer));
    a.pass(1ms);
    CHECK_FALSE(a.is_open(peer));
    CHECK(a.host.asked == "begin end ");
}

TEST_CASE("node b gives up a connection on which no READY comes") {
    Room b(node_b);
    auto& peer = b.called();
    b.talk();
    b.pass(b.timing.handshake - 1ms);
    CHECK(b.is_open(peer));
    b.pass(1ms);
    CHECK_FALSE(b.is_open(peer));
    CHECK(b.host.asked.empty());
}

TEST_CASE("a handshake has its time, and the next deadline says when it is over") {
    Room a(node_a);
    auto& peer = a.called();
    CHECK(a.connections.deadline() == instant_of(a.now) + a.timing.handshake);
    a.now.steady_ms += static_cast<std::uint64_t>(a.timing.handshake.count()) - 1;
    a.connections.judge(a.now);
    CHECK(a.phase(peer) == Phase::handshake);
    a.now.steady_ms += 1;
    a.connections.judge(a.now);
    CHECK(a.phase(peer) == Phase::closed);
}

TEST_CASE("a peer that holds the session of this node has crossed; one that lost it ends it") {
    const bool holds_it = GENERATE(true, false);
    Room b(node_b);
    b.host.held = 4711;
    auto& peer = b.called();
    peer.live_session = holds_it ? 4711 : 0;
    b.talk();
    CHECK(b.has_asked("lose") == !holds_it);
    CHECK(peer.heard_last('b') == holds_it);
    CHECK(b.phase(peer) == (holds_it ? Phase::closing : Phase::complete));
}

TEST_CASE("a call that the peer itself gives up as crossed was no stranger's") {
    Room b(node_b);
    auto& peer = b.called();
    b.talk();
    SECTION("once it has said HELLO") {
        b.say(peer, given_up);
    }
    SECTION("before that, if it is at the peer's address") {
        b.say_ready(peer);
        auto& other = b.called();
        other.silent = true;
        b.connections.find(other.id)->is_from_peer = true;
        b.say(other, given_up);
        CHECK_FALSE(b.is_open(other));
    }
    CHECK(b.strangers.count() == 0);
}

TEST_CASE("no stranger hides by calling itself crossed") {
    Room b(node_b);
    auto& peer = b.called();
    b.talk();
    b.say_ready(peer);
    SECTION("who is not at the peer's address") {
        auto& stranger = b.called();
        stranger.silent = true;
        b.say(stranger, given_up);
    }
    SECTION("who is there, but is another than the one that is linked") {
        auto& stranger = b.called(3000);
        stranger.silent = true;
        b.connections.find(stranger.id)->is_from_peer = true;
        b.say(stranger, given_up);
    }
    SECTION("who is there, and does not even say which one it is") {
        auto& stranger = b.called();
        std::exchange(stranger.output, {});
        b.connections.find(stranger.id)->is_from_peer = true;
        b.say(stranger, given_up);
    }
    CHECK(b.strangers.count() == 1);
}

TEST_CASE("a node that has a session dials nobody into another") {
    Room a(node_a);
    a.host.held = 4711;
    auto& peer = a.dialled();
    a.talk();
    CHECK(peer.heard == "cb");
    CHECK(a.host.asked.empty());
}

TEST_CASE("of two incarnations of the peer the one with the younger connection lives") {
    Room b(node_b);
    auto& dead = b.called(2000);
    auto& alive = b.called(3000);
    SECTION("if the dead one's HELLO came first") {
        b.talk();
    }
    SECTION("if it comes late") {
        dead.silent = true;
        b.talk();
        REQUIRE(b.phase(alive) == Phase::complete);
        b.say(dead, hello_of(dead.self, b.now));
    }
    CHECK(b.phase(alive) == Phase::complete);
    CHECK_FALSE(b.is_open(dead));
}

TEST_CASE("a CHALLENGE proves nothing: it makes no other connection give way") {
    Room b(node_b);
    auto& peer = b.called(2000);
    b.talk();
    auto& stranger = b.called(3000);
    stranger.silent = true;
    b.talk();
    CHECK(b.phase(stranger) == Phase::handshake);
    CHECK(b.phase(peer) == Phase::complete);
}

TEST_CASE("what a session makes superfluous is told so, and who has said nothing yet stays") {
    Room b(node_b);
    auto& peer = b.called();
    b.talk();
    auto& crossed = b.called();
    crossed.silent = true;
    auto& nobody = b.called();
    std::exchange(nobody.output, {});
    b.talk();
    b.say_ready(peer);
    CHECK(crossed.heard_last('b'));
    CHECK(b.phase(nobody) == Phase::handshake);
}

TEST_CASE("a node that is not what the peer counts on tells whoever is there, and begins anew") {
    Room b(node_b);
    auto& other = b.called();
    other.silent = true;
    b.talk();
    const auto epoch = b.self.epoch;
    b.host.past = Meeting::begin_anew;
    auto& peer = b.called();
    b.talk();
    CHECK(b.host.asked == "anew ");
    CHECK(b.self.epoch != epoch);
    CHECK(peer.heard_last('b'));
    CHECK(other.heard_last('b'));
    CHECK(b.phase(peer) == Phase::closing);
}

TEST_CASE("a peer that has to begin anew hears our HELLO, by which it finds out, and is let go") {
    Room b(node_b);
    b.host.past = Meeting::let_go_anew;
    auto& peer = b.called();
    b.talk();
    CHECK(peer.heard == "ch");
    CHECK(b.phase(peer) == Phase::closing);
    CHECK(b.host.asked.empty());
}

TEST_CASE("a past that is in dispute when READY comes begins no session") {
    Room b(node_b);
    auto& peer = b.called();
    b.talk();
    b.host.past = Meeting::begin_anew;
    b.say_ready(peer);
    CHECK(b.host.asked == "anew ");
    CHECK(b.host.session == nullptr);
}

TEST_CASE("a past that has come into dispute while node a waited begins no session") {
    Room a(node_a);
    auto& ours = a.dialled();
    ours.silent = true;
    a.talk();
    auto& theirs = a.called();
    a.say(ours, Challenge{.node = 1, .epoch = 2000, .cluster = "shop"});
    REQUIRE(a.phase(theirs) == Phase::complete);
    a.host.past = Meeting::begin_anew;
    a.pass(a.timing.crossed_wait);
    CHECK(a.host.asked == "anew ");
    CHECK(a.phase(theirs) == Phase::closing);
}

TEST_CASE("a node whose clock was refused corrects its versions if they are wrong, else it waits") {
    const bool was_wrong = GENERATE(true, false);
    Room a(node_a);
    a.host.clock_was_wrong = was_wrong;
    auto& peer = a.dialled();
    peer.clock_lags = true;
    a.talk();
    CHECK(a.host.asked == (was_wrong ? "correct " : ""));
    CHECK(a.link.state() == LinkState::refused);
    CHECK(a.link.refusals() == 1);
}

TEST_CASE("a clock that is refused before HELLO was said concerns nobody") {
    Room a(node_a);
    a.host.clock_was_wrong = true;
    auto& peer = a.dialled();
    peer.silent = true;
    a.say(peer, Error{ErrorReason::clock, "too far"});
    CHECK(a.host.asked.empty());
    CHECK_FALSE(a.is_open(peer));
}

TEST_CASE("a node that does not know which of the two it is believes who has said HELLO") {
    Room room(node_undecided);
    auto& peer = room.called();
    room.talk();
    CHECK(room.host.asked.substr(0, 7) == "decide ");
    CHECK(room.self.node == other_node(peer.self.node));
}
