#include "replication/pair/driver/pacing.hpp"

#include <catch2/catch.hpp>

#include <chrono>

namespace twincached::replication::pair {
namespace {

using std::chrono::microseconds;

TEST_CASE("A turn that changed little is followed by a rest in proportion to its length") {
    CHECK(rest_after(microseconds(0), {0, 0}) == microseconds(0));
    CHECK(rest_after(microseconds(20), {1, 150}) == microseconds(160));
    CHECK(rest_after(microseconds(10), {3, 450}) < rest_after(microseconds(20), {3, 450}));
}

TEST_CASE("No rest is longer than a fifth of a millisecond, whatever a turn took or moved") {
    CHECK(rest_after(microseconds(50'000), {1, 150}) == microseconds(200));
    CHECK(rest_after(microseconds(50'000), {20, 3'000}) == microseconds(200));
}

TEST_CASE("Where many small changes come, the thread waits longer for more of them") {
    CHECK(rest_after(microseconds(10), {20, 3'000}) > 2 * rest_after(microseconds(10), {1, 150}));
}

TEST_CASE("A thread that waits for its core as long as half of what it runs shares it") {
    CoreShare share;
    const CoreShare::Instant start{std::chrono::hours(1)};
    CHECK(share.is_due(start));
    share.note({microseconds(1'000), microseconds(400)}, start);
    CHECK_FALSE(share.is_shared());
    share.note({microseconds(2'000), microseconds(1'000)}, start);  // 600 of 1000 since then
    CHECK(share.is_shared());
    share.note({microseconds(3'000), microseconds(1'500)}, start);  // just half
    CHECK_FALSE(share.is_shared());
}

TEST_CASE("Nobody who does not know how long it waited takes its core for shared") {
    CoreShare share;
    share.note({}, CoreShare::Instant{});
    CHECK_FALSE(share.is_shared());
}

TEST_CASE("The kernel is asked every 20 ms, not at each turn") {
    CoreShare share;
    const CoreShare::Instant start{std::chrono::hours(1)};
    share.note({}, start);
    CHECK_FALSE(share.is_due(start + std::chrono::microseconds(19'999)));
    CHECK(share.is_due(start + std::chrono::milliseconds(20)));
}

TEST_CASE("Where much data moves, to wait for more of it would make nothing cheaper") {
    CHECK(rest_after(microseconds(40), {20, 250'000}) == rest_after(microseconds(40), {1, 150}));
}

}  // namespace
}  // namespace twincached::replication::pair
