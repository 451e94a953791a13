// What is known to happen to two sites, step by step; the swarm finds the rest.
#include "test/simulation/nats/cluster_world.hpp"

#include <catch2/catch.hpp>

#include <string>

using namespace twincached;
using namespace twincached::simulation;

namespace {

constexpr unsigned nodes = 4;

// Nodes 0 and 1 at the first site, 2 and 3 at the second.
void set_out(ClusterWorld& world) {
    world.set_sites(0b1100);
    for (unsigned i = 0; i < nodes; ++i) {
        world.start(i);
        world.connect(i);
    }
}

bool says(const ClusterNode& node, std::string_view line) {
    return node.log().find(line) != std::string::npos;
}

unsigned times_said(const ClusterNode& node, std::string_view line) {
    unsigned times = 0;
    for (auto at = node.log().find(line); at != std::string::npos;
         at = node.log().find(line, at + 1))
        ++times;
    return times;
}

}  // namespace

TEST_CASE("two sites that begin at the same moment come to hold the same") {
    for (std::uint64_t seed = 1; seed <= 20; seed += each_nth) {
        ClusterWorld world(seed);
        INFO("seed " << seed);
        set_out(world);
        REQUIRE(world.rest());
        world[0].set("paris", "value");
        world[3].set("rome", "value");
        REQUIRE(world.rest());
        CHECK(world.judge() == "");
    }
}

TEST_CASE(
    "a site that cannot reach the other begins alone, and compares what it holds once it can") {
    ClusterWorld world(3);
    world.broker().cut_sites();
    set_out(world);
    world.run(10'000);
    for (unsigned i = 0; i < nodes; ++i)
        REQUIRE(world[i].is_ready());
    world[0].set("paris", "value");
    world[1].set("both", "older");
    world.run(100);
    world[2].set("rome", "value");
    world[3].set("both", "newer");
    world.run(1000);
    // Within a site all goes on as ever.
    CHECK(world[1].get("paris") == "value");
    CHECK(world[3].get("rome") == "value");
    CHECK(world[3].get("paris") == "(miss)");
    world.broker().join_sites();
    REQUIRE(world.rest());
    CHECK(world.judge() == "");
    CHECK(world[0].get("both") == "newer");
}

TEST_CASE(
    "a site whose log was made anew while the other was away goes on alone, and then with it") {
    ClusterWorld world(4);
    set_out(world);
    REQUIRE(world.rest());
    world.broker().cut_sites();
    world[0].set("before", "value");
    world.run(500);
    world.broker().begin_anew(0);
    world.run(10'000);
    CHECK(world[0].is_in_step());
    world[1].set("paris", "value");
    world[2].set("rome", "value");
    world.run(500);
    CHECK(world[0].get("paris") == "value");
    world.broker().join_sites();
    REQUIRE(world.rest());
    CHECK(world.judge() == "");
}

TEST_CASE("who learns from the other site goes on where that is, and its mirror not yet") {
    ClusterWorld world(31);
    set_out(world);
    REQUIRE(world.rest());
    world.kill(2);
    world.kill(3);
    world.run(1000);
    world.broker().hold_mirror(1);
    world[0].set("paris", "value");
    world.run(1000);
    world.start(2);
    world.connect(2);
    world.run(5000);
    CHECK(world[2].is_ready());
    CHECK(world[2].get("paris") == "value");
    world.broker().release_mirror(1);
    world.start(3);
    world.connect(3);
    REQUIRE(world.rest());
    CHECK_FALSE(says(world[2], "went back"));
    CHECK(world.judge() == "");
}

TEST_CASE("a mirror is made anew when its origin was, though nothing comes through it") {
    ClusterWorld world(5);
    set_out(world);
    REQUIRE(world.rest());
    // The new log will take long to come as far as the old one was.
    world.run(30'000);
    world.broker().begin_anew(0);
    REQUIRE(world.rest());
    world[0].set("paris", "value");
    REQUIRE(world.rest());
    CHECK(world.judge() == "");
    CHECK(world[3].get("paris") == "value");
}

// The first site began again while the other one was not heard, and removed what that still holds.
TEST_CASE("who has just come forgets no removal before it has heard the other site") {
    ClusterWorld world(9);
    set_out(world);
    world[0].set("old", "value");
    REQUIRE(world.rest());
    world.broker().cut_sites();
    world.kill(0);
    world.kill(1);
    world.start(0);
    world.connect(0);
    world.run(5000);
    REQUIRE(world[0].is_in_step());
    world[2].set("old", "value of the other site");
    world.run(100);
    world[0].remove("old");
    world.run(500);
    world.start(1);
    world.connect(1);
    world.run(800);
    REQUIRE(world[1].is_in_step());
    // The other site hears of that first, and starts over, before what it said is heard here.
    world.broker().hold_mirror(0);
    world.broker().join_sites();
    world.run(300);
    world.broker().release_mirror(0);
    REQUIRE(world.rest());
    CHECK(world.judge(ClusterWorld::Losses::any) == "");
}

// Whatever the moment: before the donor has told what it knows, while it answers, or after that.
TEST_CASE("what a donor evicts while it gives to another leaves nothing older to that one") {
    for (unsigned evicted_after_ms = 0; evicted_after_ms < 40; evicted_after_ms += each_nth) {
        ClusterWorld world(11);
        INFO("evicted after " << evicted_after_ms << " ms");
        set_out(world);
        REQUIRE(world.rest());
        world.kill(1);
        world.broker().hold_mirror(0);
        world[2].set("key", "older");
        world.run(100);
        world[0].set("key", "newer");
        world.run(100);
        REQUIRE(world[0].get("key") == "newer");
        world.start(1);
        world.connect(1);
        world.run(evicted_after_ms);
        world[0].evict("key");
        world.run(1000);
        world.broker().release_mirror(0);
        REQUIRE(world.rest());
        CHECK(world.judge(ClusterWorld::Losses::any, true) == "");
        CHECK(world[1].get("key") != "older");
    }
}

TEST_CASE("a node that does not hear the other site rests as long as any other") {
    ClusterWorld world(10);
    set_out(world);
    REQUIRE(world.rest());
    world.broker().cut_sites();
    world.run(3000);
    unsigned hurries = 0;
    for (unsigned i = 0; i < 100; ++i) {
        world.run(17);
        const auto due_ms = static_cast<std::uint64_t>(world[0].engine().deadline().count());
        if (due_ms <= world[0].now().steady_ms + 1) ++hurries;
    }
    CHECK(hurries < 20);
}

TEST_CASE("a node that waits in vain says why, once for each reason") {
    ClusterWorld world(6);
    set_out(world);
    REQUIRE(world.rest());
    // The first site hears nothing of what is said at the second, where nobody else is left.
    world.broker().hold_mirror(0);
    world.kill(2);
    world.kill(3);
    world.start(3);
    world.connect(3);
    world.run(5000);
    CHECK_FALSE(world[3].is_in_step());
    constexpr std::string_view line = "has not read in the log what this node has";
    CHECK(says(world[3], line));
    const auto said = world[3].log().size();
    world.run(20'000);
    CHECK(world[3].log().size() < said + 2000);
    world.broker().release_mirror(0);
    REQUIRE(world.rest());
}

TEST_CASE("a site that is not heard any more is told of, once, and so is that it is heard again") {
    ClusterWorld world(11);
    set_out(world);
    REQUIRE(world.rest());
    constexpr std::string_view gone = "stream MC_B: that site is not heard";
    constexpr std::string_view back = "stream MC_B: that site is heard again";
    CHECK(world[0].engine().report().live_members == 3);
    CHECK_FALSE(says(world[0], gone));
    world.broker().cut_sites();
    world.run(20'000);
    CHECK(world[0].is_in_step());
    CHECK(world[0].engine().report().live_members == 1);
    CHECK(world[0].engine().report().members[1].is_live);
    CHECK_FALSE(world[0].engine().report().members[2].is_live);
    CHECK(world[0].engine().report().waits_for == gone);
    CHECK(times_said(world[0], gone) == 1);
    CHECK_FALSE(says(world[0], back));
    world.broker().join_sites();
    REQUIRE(world.rest());
    CHECK(world[0].engine().report().live_members == 3);
    CHECK(world[0].engine().report().waits_for.empty());
    CHECK(times_said(world[0], gone) == 1);
    CHECK(times_said(world[0], back) == 1);
}

TEST_CASE("a number that is used at both sites is noticed when they meet") {
    ClusterWorld world(7);
    world.broker().cut_sites();
    world.set_sites(0b1100);
    const unsigned numbers[] = {0, 1, 0, 2};
    for (unsigned i = 0; i < nodes; ++i) {
        world.start(i, numbers[i]);
        world.connect(i);
    }
    world.run(10'000);
    CHECK(world.broker().yields[0] + world.broker().yields[2] == 0);
    world.broker().join_sites();
    world.run(3000);
    CHECK(world.broker().yields[0] + world.broker().yields[2] == 1);
    CHECK(world.broker().yields[1] + world.broker().yields[3] == 0);
}

TEST_CASE("a node that stood still while another took its number lets it go when it goes on") {
    ClusterWorld world(8);
    for (unsigned i = 0; i < 3; ++i) {
        world.start(i);
        world.connect(i);
    }
    REQUIRE(world.rest());
    world[2].stand_still();
    world.run(static_cast<std::uint64_t>(world.options().cluster.member_timeout.count()) + 1000);
    world.start(3, 2);
    world.connect(3);
    world.run(5000);
    REQUIRE(world[3].is_in_step());
    world[2].go_on();
    world.run(1000);
    CHECK(world.broker().yields[2] == 1);
    CHECK(world.broker().yields[3] == 0);
    CHECK_FALSE(world.broker().is_connected(2));
    // The other goes, and the number is free: it comes in with what it holds.
    world.kill(3);
    world.connect(2);
    REQUIRE(world.rest());
    CHECK(world.judge() == "");
}

// Its `sites` lacks this one. It began earlier, so that it is this site that would have to compare;
// but nobody there could be asked.
TEST_CASE("a site that does not read this one's log is nobody to compare with") {
    ClusterWorld world(9);
    world.set_sites(0b10);
    world.set_deaf(0b10);
    const auto begin_with = [&](unsigned node) {
        world.start(node);
        world.connect(node);
        REQUIRE(world.rest());
    };
    for (const unsigned node : {1U, 0U}) {
        begin_with(node);
        world[node].set("of " + std::to_string(node), "value");
    }
    REQUIRE(world.rest());
    CHECK(world[0].get("of 0") == "value");
    // Again, by who is in step.
    world.kill(1);
    world.run(1000);
    begin_with(1);
    world.run(10'000);
    CHECK(world[0].engine().report()[replication::nats::ClusterCounter::comparisons] == 0);
    CHECK(world[0].get("of 0") == "value");
    // Once it reads it, they come to hold the same.
    world.set_deaf(0);
    world.kill(1);
    begin_with(1);
    CHECK(world[1].get("of 0") == "value");
}
