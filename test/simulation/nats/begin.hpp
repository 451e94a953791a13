// How most of what happens to a cluster begins: so many nodes have started, and rest.
#pragma once

#include "test/simulation/nats/cluster_world.hpp"

#include <catch2/catch.hpp>

namespace twincached::simulation {

inline void begin(ClusterWorld& world, unsigned nodes) {
    for (unsigned i = 0; i < nodes; ++i) {
        world.start(i);
        world.connect(i);
    }
    REQUIRE(world.rest());
}

}  // namespace twincached::simulation
