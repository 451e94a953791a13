#include "replication/pair/resync_progress.hpp"

#include <catch2/catch.hpp>

#include <chrono>

using namespace twincached::replication::pair;
using namespace std::chrono_literals;

TEST_CASE("a resync is told in percent, and when it will be over once its pace is known") {
    ResyncProgress progress;
    CHECK(progress.percent() == 100);
    CHECK(progress.remaining() == 0s);
    progress.note(1000, 100s);
    CHECK(progress.percent() == 0);
    CHECK_FALSE(progress.remaining());
    progress.note(500, 100s + 999ms);
    CHECK(progress.percent() == 50);
    CHECK_FALSE(progress.remaining());  // too soon
    progress.note(500, 104s);
    CHECK(progress.remaining() == 4s);
    progress.note(250, 106s);
    CHECK(progress.percent() == 75);
    CHECK(progress.remaining() == 2s);
    progress.note(1, 107s);
    CHECK(progress.percent() == 99);
    CHECK(progress.remaining() == 1s);
    progress.note(0, 108s);
    CHECK(progress.percent() == 100);
    CHECK(progress.remaining() == 0s);
}

TEST_CASE("a resync that has done next to nothing does not say when it will be over") {
    ResyncProgress progress;
    progress.note(1000, 0s);
    progress.note(981, 10s);
    CHECK_FALSE(progress.remaining());
    progress.note(980, 10s);
    CHECK(progress.remaining() == 490s);
}

TEST_CASE("the pace is that of the last seconds, not of what went quickly before") {
    ResyncProgress progress;
    progress.note(1000, 0s);
    progress.note(500, 100ms);
    for (auto second = 1s; second <= 6s; ++second)
        progress.note(500 - 10 * static_cast<std::uint64_t>(second.count()), second);
    CHECK(progress.remaining() == 44s);
    // What stands still has no pace.
    progress.note(440, 9s);
    progress.note(440, 12s);
    CHECK_FALSE(progress.remaining());
}

TEST_CASE("more to compare than before begins a resync anew") {
    ResyncProgress progress;
    progress.note(100, 0s);
    progress.note(50, 10s);
    progress.note(200, 20s);
    CHECK(progress.percent() == 0);
    CHECK_FALSE(progress.remaining());
    progress.note(100, 30s);
    CHECK(progress.remaining() == 10s);
    // One that was over does not count for the next.
    progress.note(0, 31s);
    progress.note(10, 90s);
    CHECK(progress.percent() == 0);
}

TEST_CASE("without a peer what is left stays so, and the time does not count") {
    ResyncProgress progress;
    progress.note(100, 0s);
    progress.note(50, 10s);
    progress.pause(50, 20s);
    CHECK(progress.percent() == 0);
    CHECK_FALSE(progress.remaining());
    progress.note(25, 30s);
    CHECK(progress.percent() == 50);
    CHECK(progress.remaining() == 10s);
}

TEST_CASE("a long resync is told of every ten seconds, and one that is over no more") {
    ResyncProgress progress;
    progress.note(100, 0s);
    CHECK_FALSE(progress.is_line_due());
    progress.note(90, 10s - 1ms);
    CHECK_FALSE(progress.is_line_due());
    progress.note(90, 10s);
    CHECK(progress.is_line_due());
    CHECK_FALSE(progress.is_line_due());
    progress.note(80, 20s);
    CHECK(progress.is_line_due());
    progress.note(0, 30s);
    CHECK_FALSE(progress.is_line_due());
}
