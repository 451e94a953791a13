#include "storage/eviction/fresh_share.hpp"

#include <catch2/catch.hpp>

#include <cstdint>

using namespace twincached::storage;

namespace {

constexpr std::uint64_t queued = 1'000'000;
constexpr std::uint64_t tenth = 100'000;

struct Period {
    std::uint64_t newcomers_bytes, main_bytes;
    int newcomers_returns, main_returns;
};

void pass(FreshShare& share, const Period& period) {
    share.count_eviction(Side::newcomers, period.newcomers_bytes);
    share.count_eviction(Side::main, period.main_bytes);
    for (int i = 0; i < period.newcomers_returns; ++i)
        share.count_return(Side::newcomers, queued);
    for (int i = 0; i < period.main_returns; ++i)
        share.count_return(Side::main, queued);
}

}  // namespace

TEST_CASE("newcomers begin with a tenth") {
    CHECK(FreshShare().of(queued) == tenth);
}

TEST_CASE("the share moves an eighth towards the side that comes back more often for its bytes") {
    FreshShare share;
    SECTION("the newcomers") {
        pass(share, {100'000, 100'000, 48, 16});
        CHECK(share.of(queued) == 112'500);
    }
    SECTION("main") {
        pass(share, {100'000, 100'000, 16, 48});
        CHECK(share.of(queued) == 88'888);
    }
    SECTION("main, which returned less often but had far fewer to lose") {
        pass(share, {900'000, 100'000, 40, 24});
        CHECK(share.of(queued) == 88'888);
    }
}

TEST_CASE("what may be chance moves nothing") {
    FreshShare share;
    SECTION("a surplus of two standard deviations") {
        pass(share, {100'000, 100'000, 40, 24});
        CHECK(share.of(queued) == tenth);
    }
    SECTION("but one more does") {
        pass(share, {100'000, 100'000, 41, 23});
        CHECK(share.of(queued) > tenth);
    }
    SECTION("fewer than 64 returns") {
        pass(share, {100'000, 100'000, 63, 0});
        CHECK(share.of(queued) == tenth);
    }
    SECTION("less than an eighth of the memory evicted") {
        pass(share, {62'000, 62'000, 64, 0});
        CHECK(share.of(queued) == tenth);
    }
}

TEST_CASE("a side that evicts next to nothing has no say, nor has the other beside it") {
    FreshShare share;
    pass(share, {970'000, 30'000, 64, 0});
    pass(share, {970'000, 30'000, 64, 0});
    CHECK(share.of(queued) == tenth);
    pass(share, {30'000, 970'000, 64, 0});  // of the last three periods, both sides have a part
    CHECK(share.of(queued) > tenth);
}

TEST_CASE("the share stays between a fiftieth and four fifths") {
    FreshShare share;
    for (int i = 0; i < 100; ++i)
        pass(share, {100'000, 100'000, 64, 0});
    CHECK(share.of(queued) == 800'000);
    for (int i = 0; i < 100; ++i)
        pass(share, {100'000, 100'000, 0, 64});
    CHECK(share.of(queued) == 20'000);
}
