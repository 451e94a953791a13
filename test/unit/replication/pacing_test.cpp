#include "replication/pair/driver/pacing.hpp"

#include <catch2/catch.hpp>

#include <chrono>

namespace twincached::replication::pair {
namespace {

using std::chrono::microseconds;

TEST_CASE("A turn that changed little is followed by a rest in proportion to its length") {
    CHECK(rest_after(microseconds(0), {0, 0}) == microseconds(0));
    CHECK(rest_after(microseconds(20), {1, 150}) == microseconds(320));
    CHECK(rest_after(microseconds(10), {3, 450}) < rest_after(microseconds(20), {3, 450}));
}

TEST_CASE("However long a turn was, the rest that follows a trickle stays below a millisecond") {
    CHECK(rest_after(microseconds(50'000), {1, 150}) < std::chrono::milliseconds(1));
}

TEST_CASE("Where many small changes come, the thread waits longer for more of them") {
    const auto trickle = rest_after(microseconds(40), {1, 150});
    const auto crowd = rest_after(microseconds(40), {20, 3'000});
    CHECK(crowd > 2 * trickle);
    // Changes rest where they are sent, and where they arrive, if that node sends a crowd as well:
    // below 5 ms together, but for a hundredth of them (two uniform waits).
    CHECK(2 * crowd * 93 / 100 < microseconds(5'000));
}

TEST_CASE("Where much data moves, to wait for more of it would make nothing cheaper") {
    CHECK(rest_after(microseconds(40), {20, 250'000}) == rest_after(microseconds(40), {1, 150}));
}

}  // namespace
}  // namespace twincached::replication::pair
