// What is known to happen to a cluster, step by step; the swarm finds the rest.
#include "test/simulation/nats/cluster_world.hpp"

#include <catch2/catch.hpp>

#include <string>

using namespace twincached::simulation;

namespace {

void begin(ClusterWorld& world, unsigned nodes) {
    for (unsigned i = 0; i < nodes; ++i) {
        world.start(i);
        world.connect(i);
    }
    REQUIRE(world.rest());
}

}  // namespace

TEST_CASE("a node that nobody answers begins alone, and one that comes later joins it") {
    ClusterWorld world(1);
    world.start(0);
    world.connect(0);
    REQUIRE(world.rest());
    CHECK(world[0].is_ready());
    for (int i = 0; i < 100; ++i)
        world[0].set("key" + std::to_string(i), "value");
    world[0].remove("key7");
    world.run(100);
    world.start(1);
    world.connect(1);
    REQUIRE(world.rest());
    CHECK(world[1].is_ready());
    CHECK(world.judge(true) == "");
    CHECK(world[1].contents().size() == 99);
}

TEST_CASE("what a client writes on one node is read on all others a moment later") {
    ClusterWorld world(2);
    begin(world, 4);
    world[2].set("key", "value");
    world.run(50);
    for (unsigned i = 0; i < 4; ++i)
        CHECK(world[i].get("key") == "value");
    world[3].remove("key");
    world.run(50);
    for (unsigned i = 0; i < 4; ++i)
        CHECK(world[i].get("key") == "(miss)");
}

TEST_CASE("a node that drains says all that it has to say before it leaves") {
    ClusterWorld world(3);
    begin(world, 2);
    for (int i = 0; i < 500; ++i)
        world[0].set("key" + std::to_string(i), "value");
    world[0].drain();
    world.run(2000);
    CHECK(world[0].is_drained());
    CHECK(world[1].contents().size() == 500);
    CHECK(world[1].engine().report().live_members == 0);
}
