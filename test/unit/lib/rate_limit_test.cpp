#include "lib/time/rate_limit.hpp"

#include <catch2/catch.hpp>

namespace twincached::lib {

TEST_CASE("something may be done so many times at once and then once a second") {
    RateLimit limit(3);
    std::uint64_t now_ms = 77'000'123;
    for (int i = 0; i < 3; ++i)
        CHECK(limit.allows(now_ms));
    CHECK_FALSE(limit.allows(now_ms));
    CHECK_FALSE(limit.allows(now_ms + 999));
    CHECK(limit.allows(now_ms + 1000));
    CHECK_FALSE(limit.allows(now_ms + 1999));
    CHECK(limit.allows(now_ms + 2000));
}

TEST_CASE("who asks a thousand times a second is served once a second") {
    RateLimit limit(5);
    int served = 0;
    for (std::uint64_t now_ms = 1'000'000; now_ms < 1'010'000; ++now_ms)
        served += limit.allows(now_ms) ? 1 : 0;
    CHECK(served >= 5 + 9);
    CHECK(served <= 5 + 10);
}

TEST_CASE("the pause may be another") {
    RateLimit limit(1, std::chrono::seconds(10));
    CHECK(limit.allows(20'000));
    CHECK_FALSE(limit.allows(29'999));
    CHECK(limit.allows(30'000));
    CHECK_FALSE(limit.allows(30'000));
}

TEST_CASE("what was not used is not saved up beyond what may be done at once") {
    RateLimit limit(2);
    CHECK(limit.allows(1'000));
    for (int i = 0; i < 2; ++i)
        CHECK(limit.allows(1'000'000));
    CHECK_FALSE(limit.allows(1'000'000));
}

}  // namespace twincached::lib
