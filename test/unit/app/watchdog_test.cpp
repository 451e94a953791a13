#include "app/watchdog.hpp"

#include <catch2/catch.hpp>

namespace twincached::app {

using std::chrono::microseconds;

TEST_CASE("signs of life are given to who asked this process for them") {
    CHECK(watchdog_period("30000000", "", 4711) == microseconds(30'000'000));
    CHECK(watchdog_period("30000000", "4711", 4711) == microseconds(30'000'000));
    CHECK(watchdog_period("30000000", "4712", 4711) == microseconds(0));
    for (const auto* nonsense : {"", "0", "-1", "x", "99999999999999999999"})
        CHECK(watchdog_period(nonsense, "", 4711) == microseconds(0));
}

}  // namespace twincached::app
