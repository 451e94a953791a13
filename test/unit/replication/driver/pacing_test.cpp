#include "replication/pair/driver/pacing.hpp"

#include <catch2/catch.hpp>

#include <chrono>
#include <utility>

namespace twincached::replication::pair {
namespace {

using std::chrono::microseconds;

constexpr auto shared = CoreUse::shared;

TEST_CASE("A turn that changed little is followed by a rest in proportion to its length") {
    CHECK(rest_after(microseconds(0), {0, 0}, shared) == microseconds(0));
    CHECK(rest_after(microseconds(20), {1, 150}, shared) == microseconds(160));
    CHECK(rest_after(microseconds(10), {3, 450}, shared) <
          rest_after(microseconds(20), {3, 450}, shared));
}

TEST_CASE("No rest is longer than a fifth of a millisecond, or half of one without a core left") {
    for (const auto& [use, longest] : {std::pair(CoreUse::own, 0), std::pair(CoreUse::shared, 200),
                                       std::pair(CoreUse::used_up, 500)}) {
        CHECK(rest_after(microseconds(50'000), {1, 150}, use) == microseconds(longest));
        CHECK(rest_after(microseconds(50'000), {20, 3'000}, use) == microseconds(longest));
    }
}

TEST_CASE("Where many small changes come, the thread waits longer for more of them") {
    CHECK(rest_after(microseconds(10), {20, 3'000}, shared) >
          2 * rest_after(microseconds(10), {1, 150}, shared));
}

TEST_CASE("A thread that waits for its core as long as half of what it runs shares it") {
    CoreShare share;
    const CoreShare::Instant start{std::chrono::hours(1)};
    const auto note = [&](int ran, int waited) {
        share.note({.ran = microseconds(ran), .waited = microseconds(waited)}, start);
    };
    CHECK(share.is_due(start));
    note(1'000, 400);
    CHECK(share.use() == CoreUse::own);
    note(2'000, 1'000);  // 600 of 1000 since then
    CHECK(share.use() == CoreUse::shared);
    note(3'000, 1'500);  // just half
    CHECK(share.use() == CoreUse::own);
}

TEST_CASE("A process that runs for 85 % of what its cores have has used them up") {
    CoreShare share;
    CoreShare::Instant now{std::chrono::hours(1)};
    CoreTimes times{.cores = 2};
    share.note(times, now);
    const auto after_20_ms_of = [&](int process_ran_us) {
        times.process_ran += microseconds(process_ran_us);
        times.ran += microseconds(1'000);
        share.note(times, now += microseconds(20'000));
        return share.use();
    };
    CHECK(after_20_ms_of(33'000) == CoreUse::own);
    CHECK(after_20_ms_of(35'000) == CoreUse::used_up);
    times.waited += microseconds(900);
    CHECK(after_20_ms_of(35'000) == CoreUse::used_up);
    CHECK(after_20_ms_of(1'000) == CoreUse::own);
}

TEST_CASE("Nobody who does not know how long it waited takes its core for shared") {
    CoreShare share;
    share.note({}, CoreShare::Instant{});
    CHECK(share.use() == CoreUse::own);
}

TEST_CASE("The kernel is asked every 20 ms, not at each turn") {
    CoreShare share;
    const CoreShare::Instant start{std::chrono::hours(1)};
    share.note({}, start);
    CHECK_FALSE(share.is_due(start + std::chrono::microseconds(19'999)));
    CHECK(share.is_due(start + std::chrono::milliseconds(20)));
}

TEST_CASE("Where much data moves, to wait for more of it would make nothing cheaper") {
    CHECK(rest_after(microseconds(40), {20, 250'000}, shared) ==
          rest_after(microseconds(40), {1, 150}, shared));
}

}  // namespace
}  // namespace twincached::replication::pair
