// What a node tells whoever runs it: of itself, of the broker and of the others.
#include "test/simulation/nats/begin.hpp"
#include "test/simulation/nats/cluster_world.hpp"

#include <catch2/catch.hpp>

#include <string>
#include <string_view>

using namespace twincached;
using namespace twincached::simulation;

namespace {

unsigned times_in(std::string_view text, std::string_view line) {
    unsigned times = 0;
    for (auto at = text.find(line); at != std::string_view::npos; at = text.find(line, at + 1))
        ++times;
    return times;
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

TEST_CASE("a stream that is told of and led by nobody is one that takes nothing") {
    constexpr std::string_view leaderless = "JetStream system temporarily unavailable (503)";
    ClusterWorld world(44);
    begin(world, 2);
    world[0].engine().consumer_lost(replication::nats::own_stream, "deliveries were lost");
    CHECK(refusal_of(world[0]).empty());
    world[0].engine().consumer_lost(replication::nats::own_stream, leaderless);
    CHECK(refusal_of(world[0]) == leaderless);
    REQUIRE(world.rest());
    CHECK(refusal_of(world[0]).empty());
}

TEST_CASE("without a broker nobody is heard, and what waits has waited since it was there") {
    ClusterWorld world(42);
    begin(world, 3);
    CHECK(world[0].engine().report().live_members == 2);
    CHECK(world[0].engine().report().members[0].is_live);
    world.cut(0);
    world.run(2000);
    CHECK(world[0].engine().report().live_members == 0);
    for (unsigned i = 0; i < 3; ++i)
        CHECK_FALSE(world[0].engine().report().members[i].is_live);
    CHECK(world[0].engine().report().lag_ms == 0);
    world[0].set("key", "value");
    world.run(1000);
    CHECK(world[0].engine().report().lag_ms >= 3000);
    CHECK(world[0].engine().report().lag_ms < 10'000);
    world.connect(0);
    REQUIRE(world.rest());
    CHECK(world[0].engine().report().live_members == 2);
    CHECK(world[0].engine().report().lag_ms < 1000);
}

TEST_CASE("a broker from which nothing comes any more lets nobody count as heard for ever") {
    ClusterWorld world(43);
    begin(world, 2);
    world.broker().hold(0);
    const auto timeout = world.options().cluster.member_timeout.count();
    world.run(static_cast<std::uint64_t>(timeout) + 1000);
    CHECK(world[0].engine().report().live_members == 0);
    world.broker().release(0);
    REQUIRE(world.rest());
    CHECK(world[0].engine().report().live_members == 1);
}

TEST_CASE(
    "that answers do not wait for the broker any more is a warning, that they do again is not") {
    constexpr std::string_view alone = "changes are answered without waiting";
    ClusterWorld world(44);
    begin(world, 2);
    CHECK(world[0].warnings().find(alone) == std::string::npos);
    world.cut(0);
    world[0].set("key", "value");
    world.run(5000);
    CHECK(world[0].warnings().find(alone) != std::string::npos);
    const auto warned = world[0].warnings().size();
    world.connect(0);
    REQUIRE(world.rest());
    CHECK(world[0].warnings().size() == warned);
}

TEST_CASE(
    "a member that is not heard any more is told of, once, and so is that it is heard again") {
    constexpr std::string_view gone = "node 2 is not waited for any more";
    constexpr std::string_view back = "node 2 is heard again";
    ClusterWorld world(45);
    begin(world, 3);
    world.kill(2);
    world.run(20'000);
    CHECK(times_in(world[0].warnings(), gone) == 1);
    CHECK(times_in(world[0].log(), back) == 0);
    // Who comes later has not waited for it.
    world.start(3);
    world.connect(3);
    REQUIRE(world.rest());
    CHECK(times_in(world[3].warnings(), gone) == 0);
    world.start(2);
    world.connect(2);
    REQUIRE(world.rest());
    CHECK(times_in(world[0].warnings(), gone) == 1);
    CHECK(times_in(world[0].log(), back) == 1);
}

TEST_CASE(
    "a member that leaves in good order has not fallen silent, nor has anybody without a broker") {
    ClusterWorld world(46);
    begin(world, 3);
    world.stop(2, 5000);
    world.run(20'000);
    world.cut(0);
    world.run(20'000);
    world.connect(0);
    REQUIRE(world.rest());
    CHECK(times_in(world[0].log(), "is not waited for any more") == 0);
}

TEST_CASE("a member that comes and goes all the time is told of once a minute") {
    ClusterWorld world(47);
    begin(world, 2);
    const auto timeout = static_cast<std::uint64_t>(world.options().cluster.member_timeout.count());
    for (unsigned i = 0; i < 5; ++i) {
        world[1].stand_still();
        world.run(timeout + 1000);
        world[1].go_on();
        world.run(3000);
        world.connect(1);
        world.run(3000);
    }
    CHECK(times_in(world[0].warnings(), "node 1 is not waited for any more") == 1);
}

TEST_CASE("a node says that others speak in its stream whom it does not understand, for a minute") {
    ClusterWorld world(48);
    begin(world, 2);
    CHECK(world[0].engine().report().waits_for.empty());
    world.broker().broker_of(1).publish(99, "of another cluster");
    world.run(1000);
    CHECK(world[0].is_in_step());
    CHECK(world[0].engine().report().waits_for ==
          "stream MC: what is said there has another secret, or is of no node");
    world.run(61'000);
    CHECK(world[0].engine().report().waits_for.empty());
}
