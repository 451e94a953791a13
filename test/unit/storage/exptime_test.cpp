// What clients call exptime, at the ends of its ranges.
#include "storage/exptime.hpp"

#include <catch2/catch.hpp>

#include <limits>

namespace twincached::storage {

namespace {

constexpr Now now{.steady_ms = 100'000, .version_ms = 1000, .unix_seconds = 1'750'000'000};
constexpr Tick last_tick = std::numeric_limits<Tick>::max();

}  // namespace

TEST_CASE("an exptime of up to 30 days is from now, and a second more is a Unix time") {
    constexpr std::int64_t days = relative_exptime_limit;
    CHECK(Expiry::from_exptime(1, now).seconds_left(now.tick()) == 1);
    CHECK(Expiry::from_exptime(days - 1, now).seconds_left(now.tick()) == days - 1);
    CHECK(Expiry::from_exptime(days, now).seconds_left(now.tick()) == days);
    CHECK(Expiry::from_exptime(days + 1, now) == Expiry::past());  // in January 1970
}

TEST_CASE("a Unix time that has come is past, also for a thread whose clock is a second behind") {
    for (const std::int64_t off : {-1, 0, 1}) {
        INFO("a time " << off << " s from now");
        const auto expiry = Expiry::from_exptime(now.unix_seconds + off, now);
        CHECK(expiry.is_past(now.tick() - 1) == (off <= 0));
        CHECK_FALSE(expiry.is_never());
    }
}

TEST_CASE("an exptime of 0 is never, a negative one is past, and none is beyond the clock") {
    CHECK(Expiry::from_exptime(0, now).is_never());
    CHECK(Expiry::from_exptime(-1, now) == Expiry::past());
    CHECK(Expiry::from_exptime(std::numeric_limits<std::int64_t>::min(), now) == Expiry::past());
    const std::int64_t until_last = last_tick - now.tick();
    for (const std::int64_t off : {-1, 0, 1}) {
        const auto expiry = Expiry::from_exptime(now.unix_seconds + until_last + off, now);
        CHECK(expiry.raw() == last_tick - (off < 0 ? 1 : 0));
    }
}

}  // namespace twincached::storage
