// What is known to happen to a cluster, step by step; the swarm finds the rest.
#include "test/simulation/nats/begin.hpp"
#include "test/simulation/nats/cluster_world.hpp"

#include <catch2/catch.hpp>

#include <string>
#include <string_view>

using namespace twincached;
using namespace twincached::simulation;

namespace {

std::string key(int number) {
    return "key" + std::to_string(number);
}

// A node that lags behind the log writes keys that others have just removed, by a clock that is
// behind: what it says comes after the removals, and is older.
std::string removals_against_older_writes(ClusterDefect defect) {
    ClusterWorld world(5, BrokerHabits::prompt(), defect);
    for (unsigned i = 0; i < 4; ++i) {
        world.options().clock_ahead_ms = i == 3 ? -10'000 : 0;
        world.start(i);
        world.connect(i);
    }
    REQUIRE(world.rest());
    world.broker().hold(3);
    for (int i = 0; i < 20; ++i)
        world[0].remove(key(i));
    world.run(500);
    for (int i = 0; i < 20; ++i)
        world[3].set(key(i), "older");
    world.run(500);
    world.broker().release(3);
    REQUIRE(world.rest());
    return world.judge();
}

// How often the node has begun alone.
unsigned times_alone(const ClusterNode& node) {
    constexpr std::string_view line = "nobody else is in step";
    unsigned times = 0;
    for (auto at = node.log().find(line); at != std::string::npos;
         at = node.log().find(line, at + 1))
        ++times;
    return times;
}

// What a connection that is over was to carry is stored when all have long forgotten the removal.
std::string late_batch(std::uint64_t seed, ClusterDefect defect) {
    auto habits = BrokerHabits::prompt();
    habits.late_percent = 100;
    habits.delay_most_ms = 1;
    ClusterWorld world(seed, habits, defect);
    begin(world, 3);
    world[1].set("key", "value");
    world[1].tick();
    world.cut(1);
    world.connect(1);
    world.run(100);
    world[1].remove("key");
    world.run(10'000);
    REQUIRE(world.broker().late > 0);
    REQUIRE(world.rest());
    return world.judge();
}

}  // namespace

TEST_CASE("a node that nobody answers begins alone, and one that comes later joins it") {
    ClusterWorld world(1);
    begin(world, 1);
    CHECK(world[0].is_ready());
    for (int i = 0; i < 100; ++i)
        world[0].set(key(i), "value");
    world[0].remove(key(7));
    world.run(100);
    world.start(1);
    world.connect(1);
    REQUIRE(world.rest());
    CHECK(world[1].is_ready());
    CHECK(world.judge() == "");
    CHECK(world[1].contents().size() == 99);
}

TEST_CASE("a node without a broker serves alone, and is compared with the others when it has one") {
    ClusterWorld world(7);
    begin(world, 2);
    world.start(2);
    world.run(1000);
    REQUIRE(world[2].is_ready());
    world[2].set("there", "value");
    world[0].set("here", "value");
    world.connect(2);
    REQUIRE(world.rest());
    CHECK(world.judge() == "");
    CHECK(world[1].get("there") == "value");
    CHECK(world[2].get("here") == "value");
}

TEST_CASE(
    "a node that its broker loses before it has read anything serves when its grace is over") {
    ClusterWorld world(41);
    world.start(0);
    for (int i = 0; i < 40; ++i) {
        world.connect(0);
        world.run(1);
        world.cut(0);
        world.run(49);
    }
    CHECK(world[0].engine().report().is_ready);
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
        world[0].set(key(i), "value");
    world[0].drain();
    world.run(2000);
    CHECK(world[0].is_drained());
    CHECK(world[1].contents().size() == 500);
    CHECK(world[1].engine().report().live_members == 0);
}

TEST_CASE("a removal is remembered until every member has read of it") {
    CHECK(removals_against_older_writes(ClusterDefect::none) == "");
    CHECK(removals_against_older_writes(ClusterDefect::removals_freed_at_once) != "");
}

TEST_CASE("what a session that is over had to say is dropped when it comes late") {
    // When it comes is the seed's: some are early, while the removal is still remembered.
    bool is_found = false;
    for (std::uint64_t seed = 1; seed <= 8; ++seed) {
        CAPTURE(seed);
        CHECK(late_batch(seed, ClusterDefect::none) == "");
        is_found = is_found || late_batch(seed, ClusterDefect::late_batches_applied) != "";
    }
    CHECK(is_found);
}

TEST_CASE("removals are forgotten when all have read of them, and kept while one has not") {
    ClusterWorld world(8);
    begin(world, 3);
    world.cut(2);
    for (int i = 0; i < 20; ++i)
        world[0].remove(key(i));
    world.run(2000);
    CHECK(world[1].engine().report().removals == 20);
    world.connect(2);
    world.run(2000);
    for (unsigned i = 0; i < 3; ++i)
        CHECK(world[i].engine().report().removals == 0);
}

TEST_CASE("a flush that a node was asked for while it was cut off outlives its warm restart") {
    ClusterWorld world(13);
    begin(world, 3);
    for (int i = 0; i < 20; ++i)
        world[0].set(key(i), "value");
    REQUIRE(world.rest());
    world.cut(2);
    world[2].flush();
    world[2].set("after", "value");
    world.run(100);
    world.stop(2, 200);
    world.start(2);
    world.connect(2);
    REQUIRE(world.rest());
    for (unsigned i = 0; i < 3; ++i) {
        CHECK(world[i].get("after") == "value");
        CHECK(world[i].contents().size() == 1);
    }
}

TEST_CASE("a node that was away for longer than it is waited for brings nothing removed back") {
    ClusterWorld world(9);
    begin(world, 3);
    for (int i = 0; i < 20; ++i)
        world[0].set(key(i), "value");
    world.run(500);
    world.cut(2);
    for (int i = 0; i < 10; ++i)
        world[2].set(key(i), "of one that is cut off");
    world[2].set("news", "value");
    world.run(100);
    for (int i = 0; i < 20; ++i)
        world[0].remove(key(i));
    world.run(20'000);
    CHECK(world[1].engine().report().removals == 0);
    world.connect(2);
    REQUIRE(world.rest());
    CHECK(world.judge(ClusterWorld::Losses::any) == "");
    for (unsigned i = 0; i < 3; ++i)
        CHECK(world[i].get(key(3)) == "(miss)");
}

TEST_CASE("a node that finds no broker after a warm restart is given its items again") {
    ClusterWorld world(12);
    begin(world, 3);
    for (int i = 0; i < 200; ++i)
        world[0].set(key(i), "value");
    REQUIRE(world.rest());
    world.stop(2, 1000);
    world[0].remove(key(3));
    world.run(500);
    world.start(2);
    world.run(3000);
    REQUIRE(world[2].is_ready());
    CHECK(world[2].contents().empty());
    world.connect(2);
    REQUIRE(world.rest());
    CHECK(world[2].contents().size() == 199);
    CHECK(world.judge() == "");
}

TEST_CASE("what a node that was cut off did for its clients outlives its warm restart") {
    ClusterWorld world(14);
    begin(world, 3);
    for (int i = 0; i < 20; ++i)
        world[0].set(key(i), "value");
    REQUIRE(world.rest());
    world.cut(2);
    world[2].remove(key(3));
    world[2].set(key(4), "newer");
    world[2].set("news", "value");
    world[0].set("meanwhile", "value");
    world.run(100);
    world.stop(2, 200);
    world.run(10'000);
    world.start(2);
    world.connect(2);
    REQUIRE(world.rest());
    CHECK(world.judge() == "");
    for (unsigned i = 0; i < 3; ++i) {
        CHECK(world[i].get(key(3)) == "(miss)");
        CHECK(world[i].get(key(4)) == "newer");
        CHECK(world[i].get("news") == "value");
        CHECK(world[i].get("meanwhile") == "value");
        CHECK(world[i].contents().size() == 21);
    }
}

TEST_CASE("what was removed stays so where a node begins without having heard of it") {
    ClusterWorld world(15);
    begin(world, 2);
    world[0].set("other", "value");
    REQUIRE(world.rest());
    world.cut(0);
    world[0].set("key", "older");
    world.run(100);
    world[1].set("key", "newer");
    world[1].remove("key");
    world.run(10'000);
    CHECK(world[1].engine().report().removals == 0);
    world.stop(1, 1000);
    // What the log held is gone.
    world.broker().begin_anew();
    world.connect(0);
    world.run(5000);
    REQUIRE(world[0].is_in_step());
    world.start(1);
    world.connect(1);
    REQUIRE(world.rest());
    for (unsigned i = 0; i < 2; ++i) {
        CHECK(world[i].get("key") == "(miss)");
        CHECK(world[i].get("other") == "value");
    }
}

TEST_CASE("a node whose clock went back while it was away is heard by who was cut off meanwhile") {
    ClusterWorld world(16);
    world.options().clock_ahead_ms = 20'000;
    begin(world, 2);
    world.cut(1);
    world.kill(0);
    world.options().clock_ahead_ms = 0;
    world.start(0);
    world.connect(0);
    world.run(10'000);
    REQUIRE(times_alone(world[0]) == 1);
    world.connect(1);
    REQUIRE(world.rest());
    world[0].set("key", "value");
    world.run(500);
    CHECK(world[1].get("key") == "value");
    CHECK(world.judge() == "");
}

TEST_CASE("all nodes go on where they were after a broker that was away") {
    ClusterWorld world(10);
    begin(world, 3);
    for (unsigned i = 0; i < 3; ++i)
        world.cut(i);
    world.run(60'000);
    for (unsigned i = 0; i < 3; ++i)
        world[i].set(key(static_cast<int>(i)), "value");
    for (unsigned i = 0; i < 3; ++i)
        world.connect(i);
    world.run(2000);
    CHECK(world.judge() == "");
    for (unsigned i = 0; i < 3; ++i) {
        CHECK(world[i].contents().size() == 3);
        CHECK(world[i].engine().report()[replication::nats::ClusterCounter::comparisons] == 0);
    }
}

TEST_CASE("a broker that lost its stream loses nothing that nodes hold, and no removal") {
    ClusterWorld world(11);
    begin(world, 3);
    for (int i = 0; i < 50; ++i)
        world[0].set(key(i), "value");
    world.run(500);
    world.cut(2);
    world[1].set(key(3), "newer");
    world[1].remove(key(4));
    world.run(500);
    world.broker().begin_anew();
    world.connect(2);
    REQUIRE(world.rest());
    CHECK(world.judge() == "");
    CHECK(world[2].get(key(3)) == "newer");
}

TEST_CASE("a broker that takes nothing for a while is told all of it afterwards") {
    ClusterWorld world(12);
    begin(world, 3);
    world.broker().set_refusing(true);
    for (int i = 0; i < 50; ++i)
        world[static_cast<unsigned>(i) % 3].set(key(i), "value");
    world.run(5000);
    world.broker().set_refusing(false);
    REQUIRE(world.rest());
    CHECK(world.judge() == "");
}

TEST_CASE("two nodes that join at once are served both, and go on with another donor if one dies") {
    ClusterWorld world(13);
    begin(world, 2);
    for (int i = 0; i < 3000; ++i)
        world[0].set(key(i), std::string(100, 'v'));
    REQUIRE(world.rest());
    world.start(2);
    world.connect(2);
    world.start(3);
    world.connect(3);
    world.run(30);
    world.kill(0);
    REQUIRE(world.rest());
    CHECK(world.judge() == "");
    CHECK(world[3].contents().size() == 3000);
}

TEST_CASE("a message is never larger than the broker allows, whatever the values are") {
    ClusterWorld world(14);
    world.broker().payload_limit = 10'000;
    begin(world, 2);
    world[0].set("small", std::string(3000, 's'));
    world[0].set("large", std::string(1'000'000, 'l'));
    world[1].set("other", std::string(9000, 'o'));
    REQUIRE(world.rest());
    CHECK(world.judge() == "");
    CHECK(world[1].get("large").size() == 1'000'000);
    CHECK(world.broker().size_most <= 10'000);
    world.start(2);
    world.connect(2);
    REQUIRE(world.rest());
    CHECK(world[2].get("large").size() == 1'000'000);
}

TEST_CASE("an item lives as long on a node whose clock is wrong, and on one that reads late") {
    ClusterWorld world(15);
    world.options().clock_ahead_ms = 0;
    world.start(0);
    world.options().clock_ahead_ms = 3'600'000;
    world.start(1);
    world.start(2);
    for (unsigned i = 0; i < 3; ++i)
        world.connect(i);
    REQUIRE(world.rest());
    world.cut(2);
    world[0].set("key", "value", storage::Expiry::at(world[0].now().tick() + 10));
    world.run(4000);
    world.connect(2);
    world.run(1000);
    for (unsigned i = 0; i < 3; ++i)
        CHECK(world[i].get("key") == "value");
    world.run(6500);
    for (unsigned i = 0; i < 3; ++i)
        CHECK(world[i].get("key") == "(miss)");
}

TEST_CASE("a flush on one node empties all, and later ones stay") {
    ClusterWorld world(16);
    begin(world, 3);
    for (int i = 0; i < 20; ++i)
        world[0].set(key(i), "value");
    world.run(100);
    world[1].flush();
    world.run(100);
    world[2].set("later", "value");
    REQUIRE(world.rest());
    for (unsigned i = 0; i < 3; ++i)
        CHECK(world[i].contents().size() == 1);
}

TEST_CASE("what one node evicts stays on the others") {
    ClusterWorld world(17);
    begin(world, 3);
    world[0].set("key", "value");
    REQUIRE(world.rest());
    world[1].evict("key");
    world.run(2000);
    CHECK(world[0].get("key") == "value");
    CHECK(world[1].get("key") == "(miss)");
    CHECK(world[2].get("key") == "value");
}

TEST_CASE("what the change log could not hold while there was no broker is compared afterwards") {
    ClusterWorld world(18);
    world.options().log_bytes = 2048;
    begin(world, 3);
    world.cut(0);
    for (int i = 0; i < 500; ++i)
        world[0].set(key(i), "value");
    world.run(1000);
    CHECK(world[0].engine().report().dirty_buckets > 0);
    world.connect(0);
    REQUIRE(world.rest());
    CHECK(world.judge() == "");
    CHECK(world[2].contents().size() == 500);
}

// --- what a node may count as told, and who may begin alone ------------------------------------

TEST_CASE("what the log holds of a node that was silent for too long is void, and told again") {
    ClusterWorld world(19, BrokerHabits::prompt());
    begin(world, 3);
    world.cut(1);
    world[1].set("key", "older");
    world.run(100);
    world[2].remove("key");
    world[2].stand_still();
    world.run(6000);
    world[2].go_on();
    world.connect(1);
    REQUIRE(world.rest());
    CHECK(world[2].log().find("silent for too long") != std::string::npos);
    CHECK(world.judge(ClusterWorld::Losses::any) == "");
}

TEST_CASE("a log that was set back, and has gone on since, is found out by who had read its end") {
    ClusterWorld world(20, BrokerHabits::prompt());
    begin(world, 3);
    world.cut(0);
    world[1].set("key", "value");
    world.run(100);
    REQUIRE(world[2].get("key") == "value");
    world.cut(1);
    world.cut(2);
    world.broker().set_back(5);
    world.connect(0);
    world.run(3000);
    world.connect(1);
    world.connect(2);
    REQUIRE(world.rest());
    CHECK(world[1].log().find("went back, and on") != std::string::npos);
    CHECK(world.judge() == "");
}

TEST_CASE("who had not read what somebody has taken out of the log compares all, once") {
    ClusterWorld world(24, BrokerHabits::prompt());
    begin(world, 3);
    world[0].set("kept", "value");
    world[0].set("removed", "value");
    world.run(300);
    world.cut(1);
    world[0].remove("removed");
    world[2].set("kept", "newer");
    world.run(3000);
    world.broker().take_out(60);
    world.connect(1);
    REQUIRE(world.rest());
    CHECK(world[1].log().find("lacks what this node had not read") != std::string::npos);
    CHECK(world[1].engine().report()[replication::nats::ClusterCounter::comparisons] == 1);
    CHECK(world[1].get("kept") == "newer");
    CHECK(world.judge(ClusterWorld::Losses::any) == "");
}

TEST_CASE("a log that is made anew while a node begins to read it is found out") {
    for (std::uint64_t after_ms = 0; after_ms < 40; after_ms += each_nth) {
        const bool is_alone = after_ms >= 20;  // nobody else says anything
        CAPTURE(after_ms);
        ClusterWorld world(21, BrokerHabits::prompt());
        begin(world, is_alone ? 2 : 3);
        world.cut(1);
        world.run(300);
        if (is_alone) world.kill(0);
        world.connect(1);
        world.run(after_ms % 20);
        world.broker().begin_anew();
        world[1].set("key", "value");
        REQUIRE(world.rest());
        CHECK(world.judge() == "");
    }
}

TEST_CASE("only one node begins alone, though the other's consumer is lost again and again") {
    for (std::uint64_t seed = 1; seed <= 20; seed += each_nth) {
        CAPTURE(seed);
        ClusterWorld world(seed);
        begin(world, 2);
        world.broker().begin_anew();
        for (int i = 0; i < 200; ++i) {
            world.run(10);
            world.broker().lose_consumer(static_cast<unsigned>(i) % 2);
        }
        REQUIRE(world.rest());
        // Once at the start, and once since.
        CHECK(times_alone(world[0]) + times_alone(world[1]) == 2);
    }
}

// --- what is remembered of what was let go -----------------------------------------------------

TEST_CASE("a node that has learnt from others knows what was removed before it came") {
    ClusterWorld world(22, BrokerHabits::prompt());
    begin(world, 3);
    world.cut(2);
    world[2].set("key", "older");
    world.run(100);
    world[0].remove("key");
    world.run(20'000);
    REQUIRE(world[1].engine().report().removals == 0);
    world.start(3);
    world.connect(3);
    world.run(3000);
    REQUIRE(world[3].is_in_step());
    world.kill(0);
    world.kill(1);
    world.run(500);
    // What the removal stood in is no more.
    world.broker().trim(100);
    world.connect(2);
    REQUIRE(world.rest());
    CHECK(world[2].get("key") == "(miss)");
    CHECK(world[3].get("key") == "(miss)");
}

TEST_CASE("what was evicted where others had not read of it leaves nothing older to them") {
    ClusterWorld world(23, BrokerHabits::prompt());
    begin(world, 2);
    world[1].set("key", "older");
    REQUIRE(world.rest());
    world.cut(0);
    world[1].set("key", "newer");
    world.run(100);
    world[1].evict("key");
    world.run(20'000);
    world.broker().begin_anew();
    world.connect(0);
    REQUIRE(world.rest());
    CHECK(world.judge(ClusterWorld::Losses::any, true) == "");
    CHECK(world[0].get("key") == "(miss)");
}

TEST_CASE("what a donor gives before the log has it is the cluster's, though the donor dies") {
    ClusterWorld world(20, BrokerHabits::prompt());
    begin(world, 2);
    world[1].set("key", "1");
    world[1].set("removed", "1");
    REQUIRE(world.rest());
    world[0].stand_still();
    world.start(2);
    world.connect(2);
    world.run(17);
    world.broker().set_refusing(true);
    world.run(10);
    world[1].set("key", "2");
    world[1].remove("removed");
    world.run(1000);
    REQUIRE(world[2].get("key") == "2");
    world.kill(1);
    world[0].go_on();
    world.broker().set_refusing(false);
    REQUIRE(world.rest());
    CHECK(world.judge(ClusterWorld::Losses::any) == "");
    CHECK(world[0].get("key") == "2");
}

TEST_CASE("a node that joins takes no more than it may within a second") {
    ClusterWorld world(31, BrokerHabits::prompt());
    begin(world, 1);
    for (int i = 0; i < 100; ++i)
        world[0].set(key(i), std::string(10'000, 'v'));
    world.run(1000);
    const auto joins_within = [&](unsigned node, std::uint64_t rate) {
        world.options().cluster.sync_rate_bytes = rate;
        world.start(node);
        world.connect(node);
        const auto from_ms = world.now_ms();
        while (!world[node].is_in_step() && world.now_ms() < from_ms + 60'000)
            world.run(10);
        return world.now_ms() - from_ms;
    };
    CHECK(joins_within(1, 0) < 2000);
    const auto slow_ms = joins_within(2, 100'000);
    CHECK(slow_ms > 9000);
    CHECK(slow_ms < 20'000);
    REQUIRE(world.rest());
    CHECK(world.judge() == "");
}
