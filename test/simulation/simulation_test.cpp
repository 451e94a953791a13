// The pair in a world of misfortune, deterministic per seed. By default a number of seeds that
// takes seconds; from the environment:
//     SIMULATION_SEEDS=100000   how many
//     SIMULATION_FIRST=1        from which on
//     SIMULATION_SEED=4711      this one alone, with a trace of what happens
#include "test/simulation/world.hpp"

#include <catch2/catch.hpp>

#include <cstdio>
#include <cstdlib>

using namespace twincached::simulation;

namespace {

std::uint64_t number_from(const char* name, std::uint64_t fallback) {
    const char* text = std::getenv(name);
    return text == nullptr ? fallback : std::strtoull(text, nullptr, 10);
}

const KeyPool& pool() {
    static const KeyPool keys;
    return keys;
}

}  // namespace

TEST_CASE("at rest, each key is on each node the newest version known, or absent") {
    const auto single = number_from("SIMULATION_SEED", 0);
    const auto first = single != 0 ? single : number_from("SIMULATION_FIRST", 1);
    const auto count = single != 0 ? 1 : number_from("SIMULATION_SEEDS", 1000);
    World::Totals sum;
    for (auto seed = first; seed < first + count; ++seed) {
        WorldOptions options;
        options.seed = seed;
        options.trace = single != 0;
        World world(pool(), options);
        const auto violation = world.run();
        INFO("replay with SIMULATION_SEED=" << seed);
        REQUIRE(violation == "");
        sum.sessions += world.totals().sessions;
        sum.crashes += world.totals().crashes;
        sum.quiescences += world.totals().quiescences;
        sum.lossless += world.totals().lossless;
        sum.operations += world.totals().operations;
    }
    std::printf(
        "seeds %llu to %llu: %llu operations, %llu sessions, %llu crashes, %llu rests, "
        "%llu of them without loss\n",
        static_cast<unsigned long long>(first), static_cast<unsigned long long>(first + count - 1),
        static_cast<unsigned long long>(sum.operations),
        static_cast<unsigned long long>(sum.sessions), static_cast<unsigned long long>(sum.crashes),
        static_cast<unsigned long long>(sum.quiescences),
        static_cast<unsigned long long>(sum.lossless));
    // A world in which nothing happens proves nothing.
    if (count >= 1000) {
        CHECK(sum.sessions > count);
        CHECK(sum.crashes > count / 10);
        CHECK(sum.lossless > count / 20);
    }
}

TEST_CASE("a pair that walks all its buckets comes to rest as well") {
    for (std::uint64_t seed = 1; seed <= 3; ++seed) {
        WorldOptions options;
        options.seed = seed;
        options.steps = 100;
        options.rounds = 1;
        options.all_buckets = true;
        World world(pool(), options);
        INFO("seed " << seed);
        REQUIRE(world.run() == "");
    }
}
