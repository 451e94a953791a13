#include "app/sessions/session_times.hpp"

#include <catch2/catch.hpp>

namespace twincached::app {

TEST_CASE("a request that comes in bits is measured from its beginning") {
    SessionTimes times(100);
    times.end_turn(0, true, 110);
    times.received(5, 120);
    times.end_turn(0, false, 120);
    times.received(5, 130);
    times.end_turn(0, false, 130);
    CHECK(times.last_active() == 130);
    CHECK(times.request_since() == 110);
    times.end_turn(1, false, 140);  // finished, and another half received
    CHECK(times.request_since() == 140);
}

TEST_CASE("a long request gets on with every so many bytes of it") {
    SessionTimes times(100);
    times.received(SessionTimes::least_progress - 1, 120);
    times.end_turn(0, false, 120);
    CHECK(times.request_since() == 100);
    CHECK_FALSE(times.has_got_on());
    times.received(1, 130);
    times.end_turn(0, false, 130);
    CHECK(times.request_since() == 130);
    CHECK(times.has_got_on());
    times.received(SessionTimes::least_progress - 1, 140);
    times.end_turn(0, false, 140);
    CHECK(times.request_since() == 130);
}

TEST_CASE("a client takes its answer when something was sent, and only then") {
    SessionTimes times(100);
    times.end_turn(0, true, 110);
    CHECK(times.last_taken() == 100);
    times.sent();
    times.end_turn(0, false, 120);
    CHECK(times.last_taken() == 120);
    CHECK(times.has_got_on());
    times.end_turn(0, false, 130);
    CHECK(times.last_taken() == 120);
    CHECK_FALSE(times.has_got_on());
}

}  // namespace twincached::app
