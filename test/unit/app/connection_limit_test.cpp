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

}  // namespace twincached::app
