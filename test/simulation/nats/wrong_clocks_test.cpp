// Clocks further off than clock-max-ahead: who is at fault is told, and nobody else suffers for it
// (rule C17).
#include "test/simulation/nats/cluster_world.hpp"

#include <catch2/catch.hpp>

#include <cstdint>
#include <string>
#include <string_view>

using namespace twincached::simulation;

namespace {

constexpr std::int64_t two_days_ms = 2 * 86'400'000LL;

std::int64_t ahead_or_behind() {
    return GENERATE(1, -1) * two_days_ms;
}

// The clock of the last of three is set to that before it starts.
void begin(ClusterWorld& world, std::int64_t ahead_ms) {
    for (unsigned i = 0; i < 3; ++i) {
        world.options().clock_ahead_ms = i == 2 ? ahead_ms : 0;
        world.start(i);
        world.connect(i);
    }
    REQUIRE(world.rest());
}

bool says(ClusterNode& node, std::string_view what) {
    return node.engine().report().refusal.find(what) != std::string::npos;
}

}  // namespace

TEST_CASE("a node whose clock is days ahead is told so, and begins anew when it is right") {
    ClusterWorld world(31);
    begin(world, two_days_ms);
    world[2].set("key", "of another time");
    world[2].set("other", "of another time");
    world.run(1000);
    CHECK_FALSE(world[2].is_in_step());
    CHECK(says(world[2], " s ahead of the NATS server's"));
    for (unsigned i = 0; i < 2; ++i) {
        CHECK(world[i].is_in_step());
        CHECK(world[i].get("key") == "(miss)");
        CHECK(world[i].engine().report().refusal.empty());
    }
    world[0].set("key", "value");
    world.run(5000);
    CHECK_FALSE(world[2].is_in_step());

    world[2].set_clock_ahead(0);
    REQUIRE(world.rest());
    CHECK(world[2].engine().report().refusal.empty());
    for (unsigned i = 0; i < 3; ++i) {
        CHECK(world[i].get("key") == "value");
        CHECK(world[i].get("other") == "of another time");
    }
    world[2].set("key", "newer");
    world.run(1000);
    for (unsigned i = 0; i < 3; ++i)
        CHECK(world[i].get("key") == "newer");
}

TEST_CASE("what was removed by a clock that is days ahead goes when that is right") {
    ClusterWorld world(32);
    begin(world, two_days_ms);
    world[0].set("key", "value");
    world.run(500);
    world[2].remove("key");
    world.run(1000);
    CHECK_FALSE(world[2].is_in_step());
    CHECK(world[0].get("key") == "value");
    world[2].set_clock_ahead(0);
    REQUIRE(world.rest());
    for (unsigned i = 0; i < 3; ++i)
        CHECK(world[i].get("key") == "(miss)");
    world[0].set("key", "newer");
    world.run(500);
    CHECK(world[2].get("key") == "newer");
}

TEST_CASE("a node whose clock is days behind is told so, and lacks nothing when it is right") {
    ClusterWorld world(33);
    begin(world, -two_days_ms);
    world[0].set("key", "value");
    world.run(1000);
    CHECK_FALSE(world[2].is_in_step());
    CHECK(says(world[2], " s behind the NATS server's"));
    for (unsigned i = 0; i < 2; ++i) {
        CHECK(world[i].is_in_step());
        CHECK(world[i].get("key") == "value");
    }
    world[2].set_clock_ahead(0);
    REQUIRE(world.rest());
    CHECK(world[2].engine().report().refusal.empty());
    CHECK(world[2].get("key") == "value");
}

TEST_CASE("of two nodes the one whose clock is not the NATS server's is at fault") {
    const auto ahead_ms = ahead_or_behind();
    ClusterWorld world(34);
    for (unsigned i = 0; i < 2; ++i) {
        world.options().clock_ahead_ms = i == 1 ? ahead_ms : 0;
        world.start(i);
        world.connect(i);
    }
    REQUIRE(world.rest());
    for (unsigned i = 0; i < 2; ++i)
        world[i].set("key" + std::to_string(i), "value");
    world.run(1000);
    CHECK(world[0].is_in_step());
    CHECK_FALSE(world[1].is_in_step());
}

TEST_CASE("where the NATS server's clock is wrong its nodes believe each other") {
    const auto ahead_ms = ahead_or_behind();
    ClusterWorld world(35);
    world.options().clock_ahead_ms = ahead_ms;
    for (unsigned i = 0; i < 3; ++i) {
        world.start(i);
        world.connect(i);
    }
    REQUIRE(world.rest());
    world[0].set("key", "value");
    REQUIRE(world.rest());
    for (unsigned i = 0; i < 3; ++i) {
        CHECK(world[i].get("key") == "value");
        CHECK(world[i].engine().report().refusal.empty());
    }
    CHECK(world.judge() == "");
}
