// The pair in a world of misfortune, deterministic per seed. By default a number of seeds that
// takes seconds; from the environment:
//     SIMULATION_SEEDS=100000   how many
//     SIMULATION_FIRST=1        from which on
//     SIMULATION_SEED=4711      this one alone, with a trace of what happens
//     SIMULATION_STEPS=3,17-19  of that one, these steps alone
// A seed that fails prints the line that repeats it, shrunk to the steps that matter.
#include "test/simulation/shrink.hpp"
#include "test/simulation/world.hpp"
#include "test/support/environment.hpp"

#include <catch2/catch.hpp>

#include <malloc.h>

#include <cstdio>
#include <cstdlib>

using namespace twincached::simulation;
using twincached::test::number_from;

namespace {

const KeyPool& pool() {
    static const KeyPool keys("simulation");
    return keys;
}

// Each world takes and gives back the same few MiB: they need not go back to the system.
void keep_memory() {
    constexpr int kept_bytes = 32 << 20;  // more is refused
    (void)mallopt(M_MMAP_THRESHOLD, kept_bytes);
    (void)mallopt(M_TRIM_THRESHOLD, kept_bytes);
}

std::string told(const WorldOptions& options, const Shrunk& shrunk) {
    return shrunk.violation + "\nrepeat with SIMULATION_SEED=" + std::to_string(options.seed) +
           " SIMULATION_STEPS=" + to_text(shrunk.steps) + " simulation \"at rest*\"  (" +
           std::to_string(shrunk.steps.size()) + " of " + std::to_string(shrunk.before) + " steps)";
}

// One seed, told step by step.
std::string replay(std::uint64_t seed) {
    WorldOptions options;
    options.seed = seed;
    options.trace = true;
    if (const char* text = std::getenv("SIMULATION_STEPS")) options.only = steps_from(text);
    return World(pool(), options).run();
}

struct Sum {
    World::Totals totals;

    void add(const World::Totals& more) {
        totals.sessions += more.sessions;
        totals.crashes += more.crashes;
        totals.restarts += more.restarts;
        totals.confirmed += more.confirmed;
        totals.forgotten += more.forgotten;
        totals.rollbacks += more.rollbacks;
        totals.scheduled += more.scheduled;
        totals.quiescences += more.quiescences;
        totals.lossless += more.lossless;
        totals.operations += more.operations;
        totals.hints += more.hints;
        totals.answers += more.answers;
    }
};

// The first seed of some whose world ends in a violation, or nothing.
std::optional<WorldOptions> first_failing(WorldOptions options, std::uint64_t count) {
    for (; count > 0; --count, ++options.seed) {
        if (!World(pool(), options).run().empty()) return options;
    }
    return std::nullopt;
}

}  // namespace

TEST_CASE("at rest, each key is on each node the newest version known, or absent") {
    keep_memory();
    if (const auto single = number_from("SIMULATION_SEED", 0); single != 0) {
        CHECK(replay(single) == "");
        return;
    }
    const auto first = number_from("SIMULATION_FIRST", 1);
    const auto count = number_from("SIMULATION_SEEDS", 1000);
    Sum sum;
    for (auto seed = first; seed < first + count; ++seed) {
        WorldOptions options;
        options.seed = seed;
        World world(pool(), options);
        if (!world.run().empty()) {
            const auto story = told(options, shrink(pool(), options));
            std::printf("%s\n", story.c_str());  // Catch would break the line
            FAIL(story);
        }
        sum.add(world.totals());
    }
    std::printf(
        "seeds %llu to %llu: %llu operations, %llu sessions, %llu crashes, %llu restarts "
        "(%llu confirmed, %llu forgotten), %llu rollbacks, %llu scheduled flushes, %llu rests, "
        "%llu of them without loss, %llu answers that waited, %llu hints\n",
        static_cast<unsigned long long>(first), static_cast<unsigned long long>(first + count - 1),
        static_cast<unsigned long long>(sum.totals.operations),
        static_cast<unsigned long long>(sum.totals.sessions),
        static_cast<unsigned long long>(sum.totals.crashes),
        static_cast<unsigned long long>(sum.totals.restarts),
        static_cast<unsigned long long>(sum.totals.confirmed),
        static_cast<unsigned long long>(sum.totals.forgotten),
        static_cast<unsigned long long>(sum.totals.rollbacks),
        static_cast<unsigned long long>(sum.totals.scheduled),
        static_cast<unsigned long long>(sum.totals.quiescences),
        static_cast<unsigned long long>(sum.totals.lossless),
        static_cast<unsigned long long>(sum.totals.answers),
        static_cast<unsigned long long>(sum.totals.hints));
    // A world in which nothing happens proves nothing.
    if (count >= 1000) {
        CHECK(sum.totals.sessions > count);
        CHECK(sum.totals.crashes > count / 10);
        CHECK(sum.totals.confirmed > count / 10);
        CHECK(sum.totals.forgotten > count / 20);
        CHECK(sum.totals.rollbacks > count / 50);
        CHECK(sum.totals.scheduled > count / 20);
        CHECK(sum.totals.lossless > count / 20);
        CHECK(sum.totals.answers > count);
        CHECK(sum.totals.hints > count);
    }
}

TEST_CASE("a pair that is broken on purpose is found out, and its history becomes short",
          "[broken]") {
    constexpr std::uint64_t seeds = 300;
    constexpr std::size_t short_enough = 40;
    for (const auto defect : {Defect::deletes_untold, Defect::acks_overtake}) {
        WorldOptions options;
        options.defect = defect;
        const auto failing = first_failing(options, seeds);
        INFO("defect " << static_cast<int>(defect));
        REQUIRE(failing);
        const auto shrunk = shrink(pool(), *failing);
        CHECK(shrunk.steps.size() < short_enough);
        auto again = *failing;
        again.only = steps_from(to_text(shrunk.steps));
        CHECK(World(pool(), again).run() == shrunk.violation);
        std::printf("defect %d: %s\n", static_cast<int>(defect), told(*failing, shrunk).c_str());
    }
}

TEST_CASE("a list of steps is read as it was written") {
    for (const auto& steps : std::vector<std::vector<unsigned>>{{}, {0}, {3, 4, 5}, {1, 3, 4, 900}})
        CHECK(steps_from(to_text(steps)) == steps);
    CHECK(to_text({1, 3, 4, 900}) == "1,3-4,900");
    CHECK(steps_from("no").empty());
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
