// What is said of a bucket concerns all of its keys, of which a large cache has many in each: what
// one node lets go must not cost another what it holds (rule C16).
#include "test/simulation/key_pool.hpp"
#include "test/simulation/nats/begin.hpp"
#include "test/simulation/nats/cluster_world.hpp"

#include <catch2/catch.hpp>

#include <string>

using namespace twincached;
using namespace twincached::simulation;

namespace {

constexpr std::size_t buckets = KeyPool::bucket_count;
constexpr std::size_t keys = KeyPool::keys_per_bucket;

const KeyPool& pool() {
    static const KeyPool pool(ClusterWorld::secret);
    return pool;
}

void set_all(ClusterNode& node) {
    for (std::size_t k = 0; k < keys; ++k)
        for (std::size_t b = 0; b < buckets; ++b)
            node.set(pool().of_bucket(b)[k], "value");
}

}  // namespace

TEST_CASE("what a node evicts while its log overflows costs nobody what it still holds") {
    ClusterWorld world(21);
    world.options().log_bytes = 2048;
    begin(world, 1);
    set_all(world[0]);
    for (std::size_t b = 0; b < buckets; ++b)
        world[0].evict(pool().of_bucket(b).back());
    world.options().log_bytes = 1U << 20;
    world.start(1);
    world.connect(1);
    REQUIRE(world.rest());
    CHECK(world[0].contents().size() == buckets * (keys - 1));
    CHECK(world[1].contents().size() == buckets * (keys - 1));
}

TEST_CASE("what a node evicts at any time costs who joins it nothing that it still holds") {
    ClusterWorld world(22);
    begin(world, 2);
    set_all(world[0]);
    world.run(500);
    for (std::size_t b = 0; b < buckets; ++b)
        for (unsigned i = 0; i < 2; ++i)
            world[i].evict(pool().of_bucket(b).back());
    world.start(2);
    world.connect(2);
    REQUIRE(world.rest());
    for (unsigned i = 0; i < 3; ++i)
        CHECK(world[i].contents().size() == buckets * (keys - 1));
}

TEST_CASE("what was told late is taken, though newer keys of its bucket were removed meanwhile") {
    ClusterWorld world(23, BrokerHabits::prompt());
    world.options().removals_bytes = 1024;
    begin(world, 3);
    world.cut(1);
    const auto& late = pool().of_bucket(0)[0];
    world[1].set(late, "late");
    for (std::size_t k = 1; k < keys; ++k)
        for (std::size_t b = 0; b < buckets; ++b)
            world[0].remove(pool().of_bucket(b)[k]);
    world.run(500);
    world.connect(1);
    REQUIRE(world.rest());
    REQUIRE(world[0].engine().report().removals_folded > 0);
    for (unsigned i = 0; i < 3; ++i)
        CHECK(world[i].get(late) == "late");
}

TEST_CASE("what is removed while the log is lost takes nothing along that was written meanwhile") {
    const auto& removed = pool().of_bucket(0)[0];
    const auto& written = pool().of_bucket(0)[1];
    ClusterWorld world(25);
    SECTION("by nodes that have no broker") {
        begin(world, 2);
        world[0].set(removed, "value");
        REQUIRE(world.rest());
        world.cut(0);
        world.cut(1);
        world[0].set(written, "value");
        world.run(100);
        world[1].remove(removed);
        world.broker().begin_anew();
        world.connect(0);
        world.connect(1);
    }
    SECTION("by another site, which has told its own nodes of it") {
        world.set_sites(0b1100);
        begin(world, 4);
        world[0].set(removed, "value");
        REQUIRE(world.rest());
        world.broker().cut_sites();
        world.broker().begin_anew(0);
        world.run(2000);
        world[0].set(written, "value");
        world.run(100);
        world[2].remove(removed);
        world.run(500);
        REQUIRE(world[3].get(removed) == "(miss)");
        world.broker().join_sites();
    }
    REQUIRE(world.rest());
    CHECK(world.judge() == "");
    CHECK(world[1].get(written) == "value");
}

TEST_CASE("a donor that restarts loses nothing to who had begun to learn from it") {
    for (std::uint64_t after_ms = 0; after_ms < 60; after_ms += 5) {
        CAPTURE(after_ms);
        ClusterWorld world(24);
        begin(world, 2);
        world.kill(1);
        set_all(world[0]);
        for (std::size_t b = 0; b < buckets; ++b)
            world[0].remove(pool().of_bucket(b).back());
        world.run(10'000);
        world.start(1);
        world.connect(1);
        world.run(after_ms);
        world.stop(0, 1000);
        world.run(5000);
        world.start(0);
        world.connect(0);
        REQUIRE(world.rest());
        CHECK(world[0].contents().size() == buckets * (keys - 1));
        CHECK(world[1].contents().size() == buckets * (keys - 1));
    }
}

// It was not the last to stop, finds nobody to confirm what it held, and drops that: it has nothing
// by which it could judge those who come after it, or who have been there all the time.
TEST_CASE("a node that dropped what it held costs others nothing for what it once removed") {
    const bool have_others_stopped = GENERATE(true, false);
    CAPTURE(have_others_stopped);
    ClusterWorld world(25);
    begin(world, 3);
    set_all(world[1]);
    REQUIRE(world.rest());
    for (std::size_t b = 0; b < buckets; ++b)
        world[1].remove(pool().of_bucket(b).back());
    world.run(30'000);
    world.stop(0, 1000);
    for (unsigned i = 1; i < 3; ++i) {
        if (have_others_stopped) {
            world.stop(i, 1000);
        } else {
            world.cut(i);
        }
    }
    if (!have_others_stopped) world.broker().begin_anew();
    world.start(0);
    world.connect(0);
    world.run(6000);
    REQUIRE(world[0].is_in_step());
    for (unsigned i = 1; i < 3; ++i) {
        if (have_others_stopped) world.start(i);
        world.connect(i);
    }
    REQUIRE(world.rest());
    for (unsigned i = 0; i < 3; ++i)
        CHECK(world[i].contents().size() == buckets * (keys - 1));
}
