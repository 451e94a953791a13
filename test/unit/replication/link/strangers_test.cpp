// Whoever has not proved itself takes neither the node's descriptors nor the peer's place.
#include "test/unit/replication/hostile_peer.hpp"
#include "test/unit/replication/sim_net.hpp"

#include <catch2/catch.hpp>

#include <chrono>
#include <string>
#include <vector>

using namespace twincached;
using namespace twincached::replication;
using namespace twincached::replication::pair;
using namespace std::chrono_literals;

namespace {

constexpr int crowd = 600;

template <class Payload>
std::string bytes_of(const Payload& payload) {
    lib::ByteBuffer bytes;
    write_frame(bytes, payload);
    return std::string(bytes.readable());
}

// What anybody can say who knows the cluster's name.
std::string challenge(std::uint64_t epoch) {
    return bytes_of(Challenge{.node = 1, .epoch = epoch, .cluster = "simulation"});
}

}  // namespace

TEST_CASE("strangers with a valid CHALLENGE are counted until they have proved themselves") {
    SimNet net(1);
    net.boot(0);
    std::vector<ConnectionId> strangers;
    for (int i = 0; i < crowd; ++i) {
        strangers.push_back(net.call(0));
        net.say(strangers.back(), 0, challenge(1000U + static_cast<unsigned>(i)));
    }
    std::size_t open = 0;
    for (const auto stranger : strangers)
        open += net.is_open(stranger, 0) ? 1 : 0;
    CHECK(open == Connections::unproved_limit);
    CHECK(net.is_open(strangers.back(), 0));
    net.boot(1);
    CHECK(net.run_until(1s, [&] { return net.linked(); }));
}

TEST_CASE("a peer links while strangers with a valid CHALLENGE come without end") {
    SimNet net(1);
    net.boot(0);
    net.boot(1);
    bool linked_soon = false;
    for (unsigned i = 0; i < crowd; ++i) {
        for (unsigned node = 0; node < 2; ++node)
            net.say(net.call(node), node, challenge(1000 + i));
        net.run(2ms);
        linked_soon = linked_soon || net.linked();
    }
    CHECK(linked_soon);
    CHECK(net.linked());
    CHECK(net.nodes[0].engine().link().sessions() == 1);
}

TEST_CASE("one that knows the protocol does not give way to those that can merely connect") {
    HostilePeer peer("a secret");
    const auto one = peer.call();
    peer.introduce();
    for (int i = 0; i < crowd; ++i)
        peer.call();
    CHECK(peer.is_open(one));
    CHECK(peer.open_connections() == Connections::stranger_limit + 1);
}

TEST_CASE("without a secret those that say HELLO, too, are limited, and the latest stays") {
    HostilePeer peer;
    peer.engine.set_on_split(OnSplit::both_serve, peer.now);
    for (int i = 0; i < crowd; ++i) {
        peer.call();
        peer.introduce();
        peer.say_hello();
        REQUIRE(peer.open_connections() <= Connections::connection_limit);
    }
    CHECK(peer.is_open(peer.current));
    CHECK(peer.serves());
}

TEST_CASE("connections that hear their refusal out are counted, too") {
    HostilePeer peer;
    for (int i = 0; i < crowd; ++i) {
        peer.call();
        peer.say(Challenge{.node = 1, .epoch = 5, .cluster = "another"});
        REQUIRE(peer.open_connections() <= Connections::connection_limit);
    }
    CHECK(peer.begin_session());
}

TEST_CASE("the node's own dial and its session give way to nobody") {
    HostilePeer peer("a secret");
    REQUIRE(peer.answer_dial());
    const auto dial = peer.current;
    for (int i = 0; i < crowd; ++i) {
        peer.call();
        peer.introduce();
    }
    CHECK(peer.is_open(dial));

    HostilePeer other;
    REQUIRE(other.begin_session());
    const auto session = other.current;
    for (int i = 0; i < crowd; ++i) {
        other.call();
        if (i % 2 == 0) other.introduce();
    }
    CHECK(other.is_open(session));
    CHECK(other.engine.has_session());
}
