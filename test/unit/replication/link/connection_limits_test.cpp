// Connections alone: how many there may be, which of them give way, and what is told of their ends.
#include "test/unit/replication/connections_room.hpp"

#include <catch2/catch.hpp>

#include <chrono>
#include <string>

using namespace twincached::replication;
using namespace twincached::replication::pair;
using namespace std::chrono_literals;

namespace {

using Room = ConnectionsRoom;

// As many as there may be, all of which hear their last word out.
void fill_with_last_words(Room& b) {
    b.host.past = Meeting::let_go_anew;
    for (std::size_t i = 0; i < Connections::connection_limit; ++i) {
        b.called(2000 + i);
        b.talk();
    }
    REQUIRE(b.closed.empty());
}

}  // namespace

TEST_CASE("strangers give way to each other at their limit, the oldest first") {
    Room a(node_a);
    for (std::size_t i = 0; i < Connections::stranger_limit; ++i)
        std::exchange(a.called().output, {});
    a.talk();
    CHECK(a.closed.empty());
    std::exchange(a.called().output, {});
    a.talk();
    CHECK(a.closed == "1 ");
    CHECK(a.strangers.count() == 1);
}

TEST_CASE("those that know how to begin have a limit of their own") {
    Room a(node_a);
    std::exchange(a.called().output, {});
    for (std::size_t i = 0; i < Connections::unproved_limit; ++i)
        a.called(2000 + i).silent = true;
    a.talk();
    CHECK(a.closed.empty());
    a.called(3000).silent = true;
    a.talk();
    CHECK(a.closed == "2 ");
}

TEST_CASE("at the limit of all connections those that hear their last word out go first") {
    Room b(node_b);
    fill_with_last_words(b);
    auto& last = b.called(5000);
    b.talk();
    CHECK(b.closed == "1 ");
    CHECK(b.is_open(last));
}

// The process keeps back as many descriptors as that, and its own call is one of them.
TEST_CASE("at the limit of all connections this node's own call takes the place of another") {
    Room b(node_b);
    fill_with_last_words(b);
    auto& ours = b.dialled();
    b.talk();
    CHECK(b.closed == "1 ");
    CHECK(b.is_open(ours));
}

TEST_CASE("a connection whose last word was said is closed after half a second if nobody does it") {
    Room b(node_b);
    b.host.past = Meeting::let_go_anew;
    auto& peer = b.called();
    b.talk();
    REQUIRE(b.phase(peer) == Phase::closing);
    b.pass(499ms);
    CHECK(b.is_open(peer));
    b.pass(1ms);
    CHECK_FALSE(b.is_open(peer));
}

TEST_CASE("when the last handshake is over the link's state hears of it") {
    Room b(node_b);
    auto& one = b.called();
    auto& other = b.called();
    one.silent = other.silent = true;
    b.talk();
    REQUIRE(b.link.state() == LinkState::handshake);
    b.connections.dismiss(*b.connections.find(one.id), {"enough"}, b.now);
    CHECK(b.link.state() == LinkState::handshake);
    b.connections.dismiss(*b.connections.find(other.id), {"enough"}, b.now);
    CHECK(b.link.state() != LinkState::handshake);
    CHECK(b.strangers.count() == 2);
}

TEST_CASE("a dial that is refused counts as a refusal, one that fails as a failure") {
    const bool refused = GENERATE(true, false);
    Room a(node_a);
    auto& peer = a.dialled();
    peer.silent = true;
    if (refused) {
        a.say(peer, Error{ErrorReason::cluster, "another cluster"});
    } else {
        a.say(peer, Bye{ByeReason::shutdown, "later"});
    }
    CHECK(a.link.refusals() == (refused ? 1 : 0));
    CHECK(a.strangers.count() == 0);
}

TEST_CASE("this node's own call is no stranger, however long it waits for an answer") {
    Room a(node_a);
    auto& ours = a.dialled();
    ours.silent = true;
    a.talk();
    for (std::size_t i = 0; i <= Connections::stranger_limit; ++i)
        std::exchange(a.called().output, {});
    a.talk();
    CHECK(a.is_open(ours));
    CHECK(a.closed == "2 ");
}
