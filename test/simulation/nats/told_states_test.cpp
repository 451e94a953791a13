// What a node tells whoever runs it: of itself, of the broker and of the others.
#include "test/simulation/nats/cluster_world.hpp"

#include <catch2/catch.hpp>

#include <string>
#include <string_view>

using namespace twincached;
using namespace twincached::simulation;

namespace {

void begin(ClusterWorld& world, unsigned nodes) {
    for (unsigned i = 0; i < nodes; ++i) {
        world.start(i);
        world.connect(i);
    }
    REQUIRE(world.rest());
}

std::string refusal_of(ClusterNode& node) {
    return node.engine().report().refusal;
}

}  // namespace

TEST_CASE("a node says why a broker that takes too short messages is of no use to it") {
    ClusterWorld world(41);
    world.broker().payload_limit = replication::nats::message_least_bytes - 1;
    world.start(0);
    world.connect(0);
    world.run(100);
    CHECK(refusal_of(world[0]) ==
          "the broker's max_payload is too small: 8191 bytes, and 8192 are needed");
    world.cut(0);
    CHECK(refusal_of(world[0]).empty());
    world.broker().payload_limit = replication::nats::message_least_bytes;
    world.connect(0);
    REQUIRE(world.rest());
    CHECK(refusal_of(world[0]).empty());
}
