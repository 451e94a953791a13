#include "app/process/test_time.hpp"

#include <catch2/catch.hpp>

namespace twincached::app {
namespace {

constexpr std::int64_t second = 1'000'000'000;

bool same(const ClockReading& left, const ClockReading& right) {
    return left.boot_ns == right.boot_ns && left.real_ns == right.real_ns;
}

}  // namespace

TEST_CASE("clocks show what they read until a test moves them, back or forth") {
    TestTime time;
    const ClockReading actual{50 * second, 900 * second};
    CHECK(same(time.seen(actual), actual));
    time.move(30);
    CHECK(same(time.seen(actual), {80 * second, 930 * second}));
    time.move(-40);
    CHECK(same(time.seen(actual), {40 * second, 890 * second}));
}

TEST_CASE("clocks that stand still can be moved, and go on where time has got to") {
    TestTime time;
    const ClockReading start{50 * second, 900 * second};
    const ClockReading later{60 * second, 910 * second};
    time.stop_at(start);
    CHECK(same(time.seen(later), start));
    time.stop_at(later);
    CHECK(same(time.seen(later), start));
    time.move(5);
    CHECK(same(time.seen(later), {55 * second, 905 * second}));
    time.go_on();
    CHECK(same(time.seen(later), {65 * second, 915 * second}));
}

}  // namespace twincached::app
