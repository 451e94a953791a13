// The swarm of clusters, deterministic per seed: see cluster_swarm.hpp. From the environment:
// SWARM_FIRST, SWARM_SEEDS; a seed that fails is named. CLUSTER_TRACE=1 tells what nodes log.
#include "test/simulation/nats/cluster_swarm.hpp"
#include "test/support/environment.hpp"

#include <catch2/catch.hpp>

#include <cstdint>
#include <cstdio>

using namespace twincached::simulation;
using twincached::test::number_from;

namespace {

void run_seed(std::uint64_t seed, const ClusterSetting& setting, ClusterSum& sum) {
    INFO("SWARM_FIRST=" << seed << " SWARM_SEEDS=1");
    const auto verdict = ClusterSwarm(seed, ClusterDefect::none, setting).run(sum);
    CHECK(verdict == "");
}

// Every second one has keys that share buckets.
void run_seeds(std::uint64_t first, std::uint64_t count, ClusterSetting setting, ClusterSum& sum) {
    for (auto seed = first; seed < first + count; ++seed) {
        setting.shares_buckets = seed % 2 == 0;
        run_seed(seed, setting, sum);
    }
}

constexpr ClusterSetting at_two_sites{.has_two_sites = true};
constexpr ClusterSetting with_restarts{.has_warm_restarts = true};

std::uint64_t first_seed() {
    return number_from("SWARM_FIRST", 1);
}
std::uint64_t seed_count(std::uint64_t usual) {
    return number_from("SWARM_SEEDS", TWINCACHED_SANITIZED ? 15 : usual);
}

}  // namespace

TEST_CASE("whatever happens to a cluster and its broker, its nodes come to rest and do not lie") {
    const auto first = first_seed();
    const auto count = seed_count(100);
    ClusterSum sum;
    run_seeds(first, count, {}, sum);
    const auto number = [](std::uint64_t value) { return static_cast<unsigned long long>(value); };
    std::printf(
        "seeds %llu to %llu: %llu operations, %llu cuts, %llu deaths, %llu stops, %llu "
        "messages stored late, %llu streams lost, %llu comparisons, %llu removals folded, "
        "%llu rests without loss, %llu with evictions\n",
        number(first), number(first + count - 1), number(sum.operations), number(sum.cuts),
        number(sum.deaths), number(sum.stops), number(sum.late), number(sum.streams_lost),
        number(sum.comparisons), number(sum.removals_folded), number(sum.lossless_rests),
        number(sum.evictions));
    // A swarm in which nothing happens proves nothing.
    if (count < 100) return;
    CHECK(sum.operations > 100 * count);
    CHECK(sum.cuts > 4 * count);
    CHECK(sum.deaths > count / 4);
    CHECK(sum.stops > count);
    CHECK(sum.late > count / 20);
    CHECK(sum.streams_lost > count / 10);
    CHECK(sum.comparisons > count);
    CHECK(sum.removals_folded > count);
    CHECK(sum.lossless_rests > count / 10);
    CHECK(sum.evictions > count / 10);
}

// One who began alone did not know of another whom that one counted itself among, and dropped its
// first word.
TEST_CASE("what once left a node without what another told it does not any more") {
    ClusterSum sum;
    run_seed(42'323, {}, sum);
}

// Claims that crossed again and again, a removal that was forgotten while the other site could not
// be heard, a place given by a node that had read further than this site's mirror had come, a touch
// that was trimmed from the log before one had read it, and read by another without the item, and
// what was read of one log when a place was taken in the other behind its removal.
TEST_CASE("what once kept two sites from beginning, or made them lie, does not any more") {
    ClusterSum sum;
    for (const std::uint64_t seed : {3754U, 7142U, 57'510U, 107'026U, 3'500'913U})
        run_seed(seed, at_two_sites, sum);
}

// A join that broke off left what the donor had let go, and the items that it would have dropped;
// a record that was refused for what others of its bucket were; a reference that judged by what it
// had heard and did not hold; a list that was told before all that it named; and what was read of
// one site's log before the other's was read up.
// What had found no room to be remembered, and was to be told again, was not in the memory file.
TEST_CASE("what once brought back what a node had removed before its restart does not any more") {
    ClusterSum sum;
    run_seed(900'051, {.has_two_sites = true, .has_warm_restarts = true}, sum);
}

// Its own news, which it does not drop, and which all others refuse, for its bucket's sake; and a
// removal for which it had no room, of a bucket that it could compare with nobody.
TEST_CASE("what once kept a node from coming into step does not any more") {
    ClusterSum sum;
    for (const std::uint64_t seed : {801U, 3'100'109U})
        run_seed(seed, with_restarts, sum);
}

// And who was told in part what others had let go began alone before who had told it.
TEST_CASE("what once cost a node of a cluster what it held does not any more") {
    ClusterSum sum;
    run_seed(20'177, with_restarts, sum);
    run_seed(3'100'166, {.has_warm_restarts = true, .shares_buckets = true}, sum);
    run_seed(590, {.shares_buckets = true}, sum);
    run_seed(70, {.shares_buckets = true}, sum);
    for (const std::uint64_t seed : {11'384U, 300'196U})
        run_seed(seed, {.has_two_sites = true, .shares_buckets = true}, sum);
    const ClusterSetting all{
        .has_two_sites = true, .has_warm_restarts = true, .shares_buckets = true};
    for (const std::uint64_t seed : {22U, 10'084U, 10'366U})
        run_seed(seed, all, sum);
}

// Who had begun alone forgot a removal that it had only read of, and judged others by it; and one
// that was to be told again of a bucket that was compared became a floor, in the name of nodes that
// held nothing of the bucket. And what a node refused for a floor of its own it did not ask for, or
// took an older one of from a donor. And who had begun alone asked for an item that it then refused
// for what a donor that left had let go.
TEST_CASE("what once cost a node what others had removed beside it does not any more") {
    ClusterSum sum;
    for (const std::uint64_t seed : {1'100'188U, 1'300'516U, 2'100'598U})
        run_seed(seed, {.shares_buckets = true}, sum);
    for (const std::uint64_t seed : {1'100'032U, 2'100'698U})
        run_seed(seed, {.has_warm_restarts = true, .shares_buckets = true}, sum);
    const ClusterSetting all{
        .has_two_sites = true, .has_warm_restarts = true, .shares_buckets = true};
    run_seed(500'692, {.has_two_sites = true, .shares_buckets = true}, sum);
    for (const std::uint64_t seed : {700'044U, 700'534U})
        run_seed(seed, all, sum);
}

TEST_CASE("whatever happens to two sites, and to the way between them, their nodes do not lie") {
    const auto count = seed_count(200);
    ClusterSum sum;
    run_seeds(first_seed(), count, at_two_sites, sum);
    if (count < 100) return;
    CHECK(sum.operations > 100 * count);
    CHECK(sum.site_cuts > count / 4);
    CHECK(sum.streams_lost > count / 10);
    CHECK(sum.comparisons > count);
}

TEST_CASE("whatever happens to nodes that restart with what they held, they do not lie") {
    const auto count = seed_count(100);
    ClusterSum sum;
    run_seeds(first_seed(), count, with_restarts, sum);
    if (count < 100) return;
    CHECK(sum.operations > 100 * count);
    CHECK(sum.restarts > count);
    CHECK(sum.lossless_rests > count / 50);
    CHECK(sum.comparisons > count / 2);
}

TEST_CASE(
    "whatever happens to two sites whose nodes restart with what they held, they do not lie") {
    const auto count = seed_count(60);
    ClusterSum sum;
    run_seeds(first_seed(), count, {.has_two_sites = true, .has_warm_restarts = true}, sum);
    if (count < 60) return;
    CHECK(sum.operations > 100 * count);
    CHECK(sum.restarts > count / 2);
    CHECK(sum.site_cuts > count / 4);
}
