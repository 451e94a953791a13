#include "storage/eviction/fresh_share.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>

using namespace twincached::storage;

namespace {

constexpr std::uint64_t queued = 1'000'000;
constexpr std::uint64_t quarter = 250'000;

struct Period {
    std::uint64_t newcomers_bytes, main_bytes;
    int newcomers_returns, main_returns;
};

void pass(FreshShare& share, const Period& period) {
    const int early = std::min(period.newcomers_returns, 8);  // so that it is not fruitless
    for (int i = 0; i < early; ++i)
        share.count_return(Side::newcomers, true, queued);
    share.count_eviction(Side::newcomers, period.newcomers_bytes, queued);
    share.count_eviction(Side::main, period.main_bytes, queued);
    for (int i = early; i < period.newcomers_returns; ++i)
        share.count_return(Side::newcomers, true, queued);
    for (int i = 0; i < period.main_returns; ++i)
        share.count_return(Side::main, true, queued);
}

}  // namespace

TEST_CASE("newcomers begin with a quarter") {
    CHECK(FreshShare().of(queued) == quarter);
}

TEST_CASE("the share moves towards the side that comes back more often for its bytes") {
    FreshShare share;
    SECTION("the newcomers") {
        pass(share, {100'000, 100'000, 48, 16});
        CHECK(share.of(queued) > quarter);
    }
    SECTION("main") {
        pass(share, {100'000, 100'000, 16, 48});
        CHECK(share.of(queued) < quarter);
    }
    SECTION("main, which returned less often but had far fewer to lose") {
        pass(share, {900'000, 100'000, 40, 24});
        CHECK(share.of(queued) < quarter);
    }
}

TEST_CASE("its odds move by the root of how many times more, at most to the double or the half") {
    FreshShare share;
    const double before = 1.0 / 3;
    const double root = std::sqrt(50.0 / 16);  // one more than came back, of each
    double odds = 0;
    SECTION("up") {
        pass(share, {100'000, 100'000, 49, 15});
        odds = before * root;
    }
    SECTION("down") {
        pass(share, {100'000, 100'000, 15, 49});
        odds = before / root;
    }
    SECTION("to the double") {
        pass(share, {100'000, 100'000, 64, 0});
        odds = before * 2;
    }
    SECTION("to the half") {
        pass(share, {900'000, 100'000, 40, 24});
        odds = before / 2;
    }
    CHECK(static_cast<double>(share.of(queued)) == Approx(queued * odds / (1 + odds)).margin(1));
}

TEST_CASE("what is hot moves on where the newcomers' share is more than a tenth") {
    FreshShare share;
    CHECK(share.is_moving_on());
    pass(share, {100'000, 100'000, 0, 64});
    CHECK(share.of(queued) == queued / 7);
    CHECK(share.is_moving_on());
    pass(share, {100'000, 100'000, 0, 64});
    CHECK(share.of(queued) == queued / 13);
    CHECK_FALSE(share.is_moving_on());
    for (int i = 0; i < 3; ++i)
        pass(share, {100'000, 100'000, 64, 0});
    CHECK(share.is_moving_on());
}

TEST_CASE("what may be chance moves nothing") {
    FreshShare share;
    SECTION("a surplus of three standard deviations") {
        pass(share, {100'000, 100'000, 44, 20});
        CHECK(share.of(queued) == quarter);
    }
    SECTION("but one more does") {
        pass(share, {100'000, 100'000, 45, 19});
        CHECK(share.of(queued) > quarter);
    }
    SECTION("fewer than 64 returns") {
        pass(share, {100'000, 100'000, 63, 0});
        CHECK(share.of(queued) == quarter);
    }
    SECTION("less than an eighth of the memory evicted") {
        pass(share, {62'000, 62'000, 64, 0});
        CHECK(share.of(queued) == quarter);
    }
}

TEST_CASE("a side that evicts next to nothing has no say, nor has the other beside it") {
    FreshShare share;
    SECTION("main") {
        pass(share, {970'000, 30'000, 64, 0});
        pass(share, {970'000, 30'000, 64, 0});
        CHECK(share.of(queued) == quarter);
        pass(share, {30'000, 970'000, 64, 0});  // of the last three periods, both sides have a part
        CHECK(share.of(queued) > quarter);
    }
    SECTION("the newcomers") {
        pass(share, {30'000, 970'000, 64, 0});
        CHECK(share.of(queued) == quarter);
    }
}

TEST_CASE("the share stays between a fiftieth and 85 %") {
    FreshShare share;
    for (int i = 0; i < 100; ++i)
        pass(share, {100'000, 100'000, 64, 0});
    CHECK(share.of(queued) == 850'000);
    for (int i = 0; i < 100; ++i)
        pass(share, {100'000, 100'000, 0, 64});
    CHECK(share.of(queued) == 20'000);
}

TEST_CASE(
    "where hardly anything came back of a quarter of the memory, the newcomers' share is halved") {
    FreshShare share;
    share.settled();
    const int returns = GENERATE(0, 7, 8);
    for (int i = 0; i < returns; ++i)
        share.count_return(Side::newcomers, true, queued);
    share.count_eviction(Side::newcomers, 200'000, queued);
    share.count_eviction(Side::main, 50'000, queued);
    CHECK(share.of(queued) == quarter);  // it is a quarter, no more
    CHECK_FALSE(share.is_settling());
    share.count_eviction(Side::newcomers, 1, queued);
    CAPTURE(returns);
    CHECK(share.of(queued) == (returns < 8 ? 125'000 : quarter));
    CHECK(share.is_settling() == (returns < 8));
    SECTION("again after another quarter, not before") {
        share.count_eviction(Side::newcomers, 250'000, queued);
        CHECK(share.of(queued) == (returns < 8 ? 125'000 : quarter));
        share.count_eviction(Side::newcomers, 1, queued);
        CHECK(share.of(queued) == (returns < 8 ? 62'500 : quarter));
    }
    SECTION("down to a fiftieth") {
        for (int i = 0; i < 100; ++i)
            share.count_eviction(Side::newcomers, 250'001, queued);
        CHECK(share.of(queued) == (returns < 8 ? 20'000 : quarter));
    }
}

TEST_CASE("newcomers that are read while they are such are of use, though none comes back") {
    FreshShare share;
    share.settled();
    const auto read = GENERATE(as<std::uint64_t>{}, 0, 15'000, 16'000);
    share.count_promotion(read);
    share.count_eviction(Side::newcomers, 250'001, queued);
    CAPTURE(read);
    const bool is_of_use = read == 16'000;  // more than a sixteenth
    CHECK(share.of(queued) == (is_of_use ? quarter : 125'000));
    CHECK(share.is_settling() != is_of_use);
    // It says nothing of those that come later.
    share.count_eviction(Side::newcomers, 250'001, queued);
    CHECK(share.of(queued) < quarter);
}

TEST_CASE("newcomers that main would not take are of no use while main evicts nothing") {
    FreshShare share;
    share.settled();
    const auto pass_unwanted = [&](int wanted, std::uint64_t main_bytes, std::uint64_t read) {
        share.count_promotion(read);
        share.count_eviction(Side::newcomers, 130'000, queued);
        share.count_eviction(Side::main, main_bytes, queued);
        for (int i = 0; i < 64; ++i)
            share.count_return(Side::newcomers, i < wanted, queued);
    };
    SECTION("none is wanted, or hardly any") {
        pass_unwanted(GENERATE(0, 1), 0, 8'125);
        CHECK(share.of(queued) == quarter / 2);
        CHECK(share.is_settling());
    }
    SECTION("some are wanted") {
        pass_unwanted(2, 0, 0);
        CHECK(share.of(queued) == quarter);
        CHECK_FALSE(share.is_settling());
    }
    SECTION("something returns to main") {
        for (int i = 0; i < 2; ++i)
            share.count_return(Side::main, true, queued);
        pass_unwanted(0, 0, 0);
        CHECK(share.of(queued) == quarter);
    }
    SECTION("more than a sixteenth of them is read") {
        pass_unwanted(0, 0, 8'126);
        CHECK(share.of(queued) == quarter);
    }
    SECTION("main has given way, too: then both are compared") {
        pass_unwanted(0, 40'000, 0);
        CHECK(share.of(queued) > quarter);
    }
}

TEST_CASE("what comes first is to be settled, until somebody has") {
    FreshShare share;
    CHECK(share.is_settling());
    share.settled();
    CHECK_FALSE(share.is_settling());
}
