// The swarm that arbitrates, deterministic per seed: see arbitrated_swarm.hpp. From the
// environment: SWARM_FIRST, SWARM_SEEDS; a seed that fails is named.
#include "test/simulation/arbitrated_swarm.hpp"
#include "test/support/environment.hpp"

#include <catch2/catch.hpp>

#include <cstdio>

using namespace twincached::simulation;
using twincached::test::number_from;

TEST_CASE("whatever happens, what one node decides for both has one order, and happens once") {
    const auto first = number_from("SWARM_FIRST", 1);
    const auto count = number_from("SWARM_SEEDS", 20);
    ArbitratedSum sum;
    for (auto seed = first; seed < first + count; ++seed) {
        INFO("SWARM_FIRST=" << seed << " SWARM_SEEDS=1");
        REQUIRE(ArbitratedSwarm(seed).run(sum) == "");
    }
    const auto number = [](std::uint64_t one) { return static_cast<unsigned long long>(one); };
    std::printf(
        "seeds %llu to %llu: %llu asked, %llu decided, %llu anew, %llu unknown; %llu keys "
        "judged, %llu changes overlapped, %llu deaths, passed %llu times\n",
        number(first), number(first + count - 1), number(sum.asked), number(sum.decided),
        number(sum.decided_anew), number(sum.unknown), number(sum.keys), number(sum.overlapping),
        number(sum.deaths), number(sum.passed));
    // A swarm in which nothing happens proves nothing.
    if (count < 20) return;
    CHECK(sum.asked > 50 * count);
    CHECK(sum.decided > 40 * count);
    CHECK(sum.decided_anew > count / 4);
    CHECK(sum.unknown > count / 4);
    CHECK(sum.keys >= 8 * count);
    CHECK(sum.overlapping > 5 * count);
    CHECK(sum.deaths > count);
    CHECK(sum.passed > count / 2);
}

TEST_CASE("a pair that arbitrates and is broken on purpose is found out", "[broken]") {
    for (const auto defect : {ArbitrationDefect::asked_again, ArbitrationDefect::answered_early,
                              ArbitrationDefect::sets_come_later}) {
        ArbitratedSum sum;
        std::uint64_t seed = 1;
        while (seed < 50 && ArbitratedSwarm(seed, defect).run(sum).empty())
            ++seed;
        INFO("defect " << static_cast<int>(defect));
        CHECK(seed < 50);
    }
}

TEST_CASE("a history that no order explains is found out") {
    const auto add = [](const char* text, bool done, std::uint64_t asked, std::uint64_t answered) {
        return Call{CallKind::add, text, {}, done, asked, answered};
    };
    KeyHistory one;
    one.note(add("a", true, 1, 3));
    one.note(add("b", false, 2, 4));
    CHECK(one.is_linearizable("a"));
    CHECK_FALSE(one.is_linearizable("b"));
    CHECK_FALSE(one.is_linearizable({}));
    one.note(add("c", true, 5, 6));
    CHECK_FALSE(one.is_linearizable("a"));
    KeyHistory two;
    two.note(add("a", false, 1, 2));
    two.note(add("b", true, 3, 4));
    CHECK_FALSE(two.is_linearizable("b"));
    two.note(Call{CallKind::remove, {}, {}, true, 5, 8});
    two.note(Call{CallKind::append, "c", {}, true, 6, 7});
    CHECK_FALSE(two.is_linearizable({}));
    KeyHistory three;
    three.note(add("a", true, 1, 2));
    three.note(Call{CallKind::remove, {}, {}, true, 3, 6});
    three.note(Call{CallKind::append, "c", {}, true, 4, 5});
    three.note(Call{CallKind::compare_and_set, "d", "ac", false, 7, 8});
    CHECK(three.is_linearizable({}));
}
