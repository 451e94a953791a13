#include "lib/pause_detector.hpp"

#include <catch2/catch.hpp>

namespace twincached::lib {

TEST_CASE("a thread that has not run for longer than the limit has paused, and that is said once") {
    PauseDetector pauses(1000);
    CHECK_FALSE(pauses.runs_at(50'000));  // how long it did not run before that, nobody knows
    CHECK_FALSE(pauses.runs_at(50'250));
    CHECK_FALSE(pauses.runs_at(51'250));
    CHECK(pauses.pauses() == 0);
    CHECK(pauses.runs_at(52'251));
    CHECK(pauses.pauses() == 1);
    CHECK(pauses.ended_ms() == 52'251);
    CHECK(pauses.length_ms() == 1001);
    CHECK_FALSE(pauses.runs_at(52'251));
    CHECK(pauses.pauses() == 1);
    CHECK(pauses.ended_ms() == 52'251);
}

TEST_CASE("a thread that runs as often as it has to misses no pause of the limit's length") {
    PauseDetector pauses(1000);
    REQUIRE(pauses.pulse_ms() == 250);
    pauses.runs_at(10'000);
    // It is stopped right before its next pulse is due, or right behind the last one.
    SECTION("before") {
        CHECK(pauses.runs_at(10'000 + 250 + 1000));
    }
    SECTION("behind") {
        CHECK(pauses.runs_at(10'000 + 1001));
    }
    SECTION("a pause of less than three quarters is none") {
        CHECK_FALSE(pauses.runs_at(10'000 + 250 + 750));
    }
}

TEST_CASE("without a limit no thread has paused") {
    PauseDetector pauses;
    CHECK_FALSE(pauses.is_needed());
    pauses.runs_at(1);
    CHECK_FALSE(pauses.runs_at(1'000'000'000));
    CHECK(pauses.pauses() == 0);
}

}  // namespace twincached::lib
