// The swarm of engines, deterministic per seed: see swarm.hpp. From the environment: SWARM_FIRST,
// SWARM_SEEDS; a seed that fails is named.
#include "test/simulation/swarm.hpp"
#include "test/support/environment.hpp"

#include <catch2/catch.hpp>

#include <cstdio>

using namespace twincached::simulation;
using twincached::test::number_from;

TEST_CASE("whatever happens around their sessions, two engines come to rest and do not lie") {
    const auto first = number_from("SWARM_FIRST", 1);
    const auto count = number_from("SWARM_SEEDS", 100);
    SwarmSum sum;
    for (auto seed = first; seed < first + count; ++seed) {
        INFO("SWARM_FIRST=" << seed << " SWARM_SEEDS=1");
        REQUIRE(Swarm(seed).run(sum) == "");
    }
    std::printf(
        "seeds %llu to %llu: %llu operations, %llu sessions, %llu deaths, %llu rests "
        "without loss, %llu buckets compared by scrubs; of requests that waited %llu executed and "
        "%llu closed, %llu changes taken over, %llu shortages of memory, %llu strangers and %llu "
        "impostors, %llu orders of which %llu handed the role over\n",
        static_cast<unsigned long long>(first), static_cast<unsigned long long>(first + count - 1),
        static_cast<unsigned long long>(sum.operations),
        static_cast<unsigned long long>(sum.sessions), static_cast<unsigned long long>(sum.deaths),
        static_cast<unsigned long long>(sum.lossless_rests),
        static_cast<unsigned long long>(sum.compared),
        static_cast<unsigned long long>(sum.executed_late),
        static_cast<unsigned long long>(sum.closed),
        static_cast<unsigned long long>(sum.taken_over),
        static_cast<unsigned long long>(sum.shortages),
        static_cast<unsigned long long>(sum.strangers),
        static_cast<unsigned long long>(sum.impostors), static_cast<unsigned long long>(sum.orders),
        static_cast<unsigned long long>(sum.handed_over));
    // A swarm in which nothing happens proves nothing.
    if (count < 100) return;
    CHECK(sum.operations > 20 * count);
    CHECK(sum.sessions > count);
    CHECK(sum.deaths > count);
    CHECK(sum.lossless_rests > count / 20);
    CHECK(sum.compared > count * twincached::storage::bucket_count / 4);
    CHECK(sum.executed_late > count);
    CHECK(sum.closed > count);
    CHECK(sum.taken_over > count / 4);
    CHECK(sum.shortages > count / 8);
    CHECK(sum.strangers > count / 4);
    CHECK(sum.impostors > count / 10);
    CHECK(sum.orders > 5 * count);
    CHECK(sum.handed_over > count / 2);
}

TEST_CASE("a pair of engines that is broken on purpose is found out", "[broken]") {
    for (const auto defect :
         {Defect::deletes_untold, Defect::old_requests_executed, Defect::versions_believed,
          Defect::orders_unheard, Defect::hands_over_early, Defect::resync_forgets}) {
        SwarmSum sum;
        std::uint64_t seed = 1;
        while (seed < 50 && Swarm(seed, defect).run(sum).empty())
            ++seed;
        INFO("defect " << static_cast<int>(defect));
        CHECK(seed < 50);
    }
}
