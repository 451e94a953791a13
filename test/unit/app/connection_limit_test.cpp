#include "app/listeners/connection_limit.hpp"

#include <catch2/catch.hpp>

namespace twincached::app {

TEST_CASE("one client too many finds no place, and finds one when another has gone") {
    ConnectionLimit limit(2);
    CHECK(limit.take());
    CHECK(limit.take());
    CHECK_FALSE(limit.has_room());
    CHECK_FALSE(limit.take());
    CHECK(limit.current() == 2);
    limit.give_back();
    CHECK(limit.has_room());
    CHECK(limit.take());
    CHECK(limit.accepted() == 3);
}

TEST_CASE("a reset forgets what was, not what is") {
    ConnectionLimit limit(2);
    limit.take();
    limit.count_rejected();
    limit.reset_counts();
    CHECK(limit.accepted() == 0);
    CHECK(limit.rejected() == 0);
    CHECK(limit.current() == 1);
}

TEST_CASE("whoever waits for room is woken once, by the next place that is given back") {
    ConnectionLimit limit(2);
    int woken = 0;
    limit.set_waker([&] { ++woken; });
    limit.take();
    limit.take();
    limit.await_room();
    CHECK(woken == 0);
    limit.give_back();
    CHECK(woken == 1);
    limit.give_back();
    CHECK(woken == 1);
}

TEST_CASE("who no longer waits for room is not woken, nor is anybody who never did") {
    ConnectionLimit limit(2);
    limit.take();
    limit.give_back();  // there is no waker, and nobody calls it
    int woken = 0;
    limit.set_waker([&] { ++woken; });
    limit.take();
    limit.await_room();
    limit.stop_waiting();
    limit.give_back();
    CHECK(woken == 0);
}

}  // namespace twincached::app
