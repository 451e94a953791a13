#include "lib/time/pause_detector.hpp"

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
    PauseDetector pauses(1500);
    REQUIRE(pauses.pulse_ms() == 250);
    pauses.runs_at(10'000);
    // It is stopped right before its next pulse is due, or right behind the last one.
    SECTION("before") {
        CHECK(pauses.runs_at(10'000 + 250 + 1500));
    }
    SECTION("behind") {
        CHECK(pauses.runs_at(10'000 + 1501));
    }
    SECTION("a pause of less than five sixths is none") {
        CHECK_FALSE(pauses.runs_at(10'000 + 250 + 1250));
    }
}

TEST_CASE("a hiccup is a quarter of a pause, and longer than a pulse that is late by half of it") {
    const PauseDetector pauses(1200);
    auto hiccups = pauses.of_hiccups();
    CHECK_FALSE(hiccups.runs_at(10'000));
    CHECK_FALSE(hiccups.runs_at(10'000 + 3 * pauses.pulse_ms() / 2));
    CHECK(hiccups.runs_at(10'300 + 301));
    CHECK_FALSE(PauseDetector().of_hiccups().is_needed());
}

TEST_CASE("without a limit no thread has paused") {
    PauseDetector pauses;
    CHECK_FALSE(pauses.is_needed());
    pauses.runs_at(1);
    CHECK_FALSE(pauses.runs_at(1'000'000'000));
    CHECK(pauses.pauses() == 0);
}

}  // namespace twincached::lib
