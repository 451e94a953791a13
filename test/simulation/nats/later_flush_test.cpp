// A flush that one node of a cluster is asked for, for later, and what may have become of that node
// by then.
#include "test/simulation/nats/cluster_world.hpp"

#include <catch2/catch.hpp>

#include <cstdint>

using namespace twincached::simulation;

namespace {

// Until then; the stores' own threads work all the time.
void maintain(ClusterWorld& world, std::uint64_t until_ms) {
    while (world.now_ms() < until_ms) {
        world.run(10);
        for (unsigned i = 0; i < SimBroker::nodes_most; ++i)
            if (world.is_alive(i) && !world[i].is_still()) world[i].maintain();
    }
}

constexpr std::uint64_t delay_ms = 3000;

// Three nodes, the second of which is to flush when this much time has passed. When that is.
std::uint64_t ask_for_flush(ClusterWorld& world) {
    for (unsigned i = 0; i < 3; ++i) {
        world.start(i);
        world.connect(i);
    }
    REQUIRE(world.rest());
    world[0].set("old", "value");
    world[1].flush(delay_ms);
    const auto due_ms = world.now_ms() + delay_ms;
    maintain(world, world.now_ms() + 500);
    return due_ms;
}

}  // namespace

TEST_CASE("a flush for later comes at its time though the node that was asked is not there") {
    ClusterWorld world(11, BrokerHabits::prompt());
    const auto due_ms = ask_for_flush(world);
    SECTION("for it is dead") {
        world.kill(1);
    }
    SECTION("for it stands still") {
        world[1].stand_still();
    }
    maintain(world, due_ms - 20);
    CHECK(world[2].get("old") == "value");
    maintain(world, due_ms + 100);
    CHECK(world[0].get("old") == "(miss)");
    CHECK(world[2].get("old") == "(miss)");
    CHECK(world[0].flushes() == 1);
    CHECK(world[2].flushes() == 0);
}

TEST_CASE("a node that stood still does not do again what another has done in its place") {
    ClusterWorld world(12, BrokerHabits::prompt());
    const auto due_ms = ask_for_flush(world);
    world[1].stand_still();
    maintain(world, due_ms + 1000);
    world[0].set("new", "value");
    maintain(world, due_ms + 1100);
    // The store's thread is there first.
    world[1].maintain();
    world[1].go_on();
    maintain(world, due_ms + 2000);
    CHECK(world[1].flushes() == 0);
    CHECK(world[1].get("old") == "(miss)");
    CHECK(world[2].get("new") == "value");
}

TEST_CASE("a flush for later comes at its time, once, from the node that was asked") {
    ClusterWorld world(13, BrokerHabits::prompt());
    const auto due_ms = ask_for_flush(world);
    SECTION("though the broker takes nothing") {
        world.broker().set_refusing(true);
    }
    SECTION("though it is cut off") {
        world.cut(1);
    }
    SECTION("in peace") {}
    maintain(world, due_ms + 20);
    CHECK(world[1].get("old") == "(miss)");
    CHECK(world[1].flushes() == 1);
    CHECK(world[2].flushes() == 0);
}
