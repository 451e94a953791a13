// Who serves when the peer is lost (on-split), and what is kept then (on-peer-crash): two engines
// in a simulated network.
#include "test/unit/replication/linked_net.hpp"

#include <catch2/catch.hpp>

#include <chrono>
#include <string>

using namespace twincached::replication;
using namespace twincached::replication::pair;
using namespace std::chrono_literals;

namespace {

struct Pair : LinkedNet {
    explicit Pair(OnSplit policy = OnSplit::both_serve, bool flush = false)
        : LinkedNet(1, [=](Node& node) {
              node.on_split = policy;
              node.flush_on_peer_crash = flush;
          }) {
        run(300ms);  // both have heard that the other serves
    }
    Access access(unsigned n) { return nodes[n].access; }
    // No host answers any more.
    void cut_power(unsigned n) {
        vanish(n);
        partitioned = true;
    }
};

}  // namespace

TEST_CASE("as it comes, both nodes serve on either side of a cut") {
    Pair net;
    net.partitioned = true;
    net.run(3s);
    CHECK(net.access(0) == Access::open);
    CHECK(net.access(1) == Access::open);
    CHECK(net.nodes[1].engine().link().role() == Role::primary);
}

TEST_CASE("a secondary that may be cut off from a living primary is restricted until it is over") {
    const auto [policy, restricted] =
        GENERATE(table<OnSplit, Access>({{OnSplit::secondary_read_only, Access::read_only},
                                         {OnSplit::secondary_closed, Access::closed}}));
    Pair net(policy);
    net.partitioned = true;
    net.run(5s);
    CHECK(net.access(0) == Access::open);
    CHECK(net.access(1) == restricted);
    CHECK(net.nodes[1].engine().link().role() == Role::secondary);
    CHECK(net.nodes[1].engine().link().promotions() == 0);
    net.partitioned = false;
    REQUIRE(net.run_until(1500ms, [&] { return net.linked(); }));
    CHECK(net.access(1) == Access::open);
    CHECK(net.nodes[0].engine().link().role() == Role::primary);
}

TEST_CASE("a secondary whose primary died with a word from its system serves at once") {
    Pair net(OnSplit::secondary_closed);
    net.kill(0);
    CHECK(net.run_until(50ms, [&] { return net.nodes[1].said("serving alone"); }));
    CHECK(net.access(1) == Access::open);
}

TEST_CASE("a secondary whose connection was reset calls the primary before it steps back") {
    const bool is_dead = GENERATE(true, false);
    Pair net(OnSplit::secondary_closed);
    if (is_dead) net.vanish(0);
    net.reset_connections(1);
    net.run(Timing::ms(1));
    CHECK(net.access(1) == Access::open);
    net.run(Timing::ms(80));
    CHECK_FALSE(net.nodes[1].said("clients: closed"));
    CHECK(net.nodes[1].said("serving alone as primary: no node runs on the host of the peer") ==
          is_dead);
    CHECK(is_dead != net.run_until(3s, [&] { return net.linked(); }));
    CHECK_FALSE(net.nodes[1].said("clients: closed"));
}

TEST_CASE("a secondary whose connection was reset steps back behind a primary that says nothing") {
    Pair net(OnSplit::secondary_closed);
    net.stop(0);
    net.reset_connections(1);
    net.run(default_timing().silence - 1ms);
    CHECK(net.access(1) == Access::open);
    net.run(2ms);
    CHECK(net.access(1) == Access::closed);
    net.resume(0);
    CHECK(net.run_until(3s, [&] { return net.access(1) == Access::open; }));
}

TEST_CASE("a secondary whose primary said goodbye serves at once") {
    Pair net(OnSplit::secondary_closed);
    net.begin_drain(0);
    CHECK(net.run_until(50ms, [&] { return net.nodes[1].said("serving alone"); }));
    CHECK(net.access(1) == Access::open);
}

TEST_CASE("a restricted node serves when the host of its peer says that no peer runs there") {
    Pair net(OnSplit::secondary_read_only);
    net.partitioned = true;
    net.run(2s);
    REQUIRE(net.access(1) == Access::read_only);
    net.kill(0);
    net.run(1s);
    CHECK(net.access(1) == Access::read_only);
    net.partitioned = false;
    CHECK(net.run_until(1200ms, [&] { return net.access(1) == Access::open; }));
    CHECK(net.nodes[1].said("serving alone as primary: no node runs on the host of the peer"));
}

TEST_CASE("a restricted node serves when its peer turns out to have begun anew") {
    Pair net(OnSplit::secondary_closed);
    net.cut_power(0);
    net.run(2s);
    REQUIRE(net.access(1) == Access::closed);
    net.partitioned = false;
    net.boot(0);
    CHECK(net.run_until(1500ms, [&] { return net.access(1) == Access::open; }));
    CHECK(net.run_until(1s, [&] { return net.linked(); }));
    CHECK(net.nodes[1].engine().link().role() == Role::primary);
}

TEST_CASE("an operator who sets on-split anew lets a restricted node serve") {
    Pair net(OnSplit::secondary_closed);
    net.cut_power(0);
    net.run(2s);
    net.set_on_split(1, OnSplit::both_serve);
    CHECK(net.access(1) == Access::open);
    CHECK(net.nodes[1].said("serving alone as primary: on-split was set anew"));
}

TEST_CASE("a primary that loses its secondary serves on, whatever the policy") {
    Pair net(OnSplit::secondary_closed);
    net.vanish(1);
    net.run(3s);
    CHECK(net.access(0) == Access::open);
}

TEST_CASE("a node keeps its items when its peer is lost, or forgets them if it is told to") {
    const bool flush = GENERATE(false, true);
    const bool killed = GENERATE(false, true);
    Pair net(OnSplit::both_serve, flush);
    net.set(1, "before");
    net.run(100ms);
    killed ? net.kill(0) : net.vanish(0);
    net.run(1500ms);
    REQUIRE(net.nodes[1].said("serving alone"));
    CHECK(net.holds(1, "before") == !flush);
    net.set(1, "after");
    CHECK(net.holds(1, "after"));
}

TEST_CASE("a goodbye costs no items, and neither does the loss of a peer that served nobody") {
    Pair net(OnSplit::both_serve, true);
    net.set(1, "key");
    net.run(100ms);
    net.begin_drain(0);
    net.run(1s);
    CHECK(net.holds(1, "key"));
    net.kill(0);
    net.boot(0);
    REQUIRE(net.run_until(2s, [&] { return net.paired(); }));
    REQUIRE_FALSE(net.nodes[0].ready);
    net.kill(0);
    net.run(1s);
    CHECK(net.holds(1, "key"));
}

TEST_CASE("a node that gives its silent peer up tells it so") {
    Pair net;
    net.mute[0] = true;
    REQUIRE(net.run_until(1300ms, [&] { return !net.nodes[1].engine().has_session(); }));
    CHECK(net.run_until(50ms, [&] { return !net.nodes[0].engine().has_session(); }));
    CHECK(net.nodes[0].said("the peer hears nothing of this node and ended the session"));
}

TEST_CASE("nodes that are set differently say so, unless one speaks the first version") {
    const auto older = GENERATE(std::uint16_t{1}, std::uint16_t{2});
    SimNet net(1);
    net.nodes[0].settings = "ack=async";
    net.nodes[1].settings = "ack=received";
    net.nodes[1].protocol = older;
    net.boot(0);
    net.boot(1);
    REQUIRE(net.run_until(1s, [&] { return net.linked(); }));
    for (auto& node : net.nodes) {
        CHECK(node.said("the nodes are set differently") == (older == 2));
        CHECK(node.engine().report(net.now(node.number)).protocol == older);
    }
}
