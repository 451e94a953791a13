// What is told of those who were turned away; who is, and when, is in strangers_test.cpp.
#include "replication/pair/strangers.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <chrono>
#include <string>

using namespace twincached::replication::pair;
using namespace std::chrono_literals;

TEST_CASE("each stranger is counted, and a reason is told once") {
    Strangers strangers;
    strangers.note("no handshake", 10s);
    strangers.note("no handshake", 5000s);
    CHECK(strangers.count() == 2);
    const auto lines = strangers.log().take();
    REQUIRE(lines.size() == 1);
    CHECK(lines[0].text == "refused a call on the link port: no handshake");
    CHECK(strangers.log().take().empty());
}

TEST_CASE("a line names who called, and says how many were not told of since the last") {
    Strangers strangers;
    strangers.note("no handshake", 10s, "10.0.0.9:4711");
    for (int i = 0; i < 12; ++i)
        strangers.note("no handshake", 11s, "10.0.0.9:4712");
    strangers.note("another reason", 5000s, "[fd00::9]:1");
    const auto lines = strangers.log().take();
    REQUIRE(lines.size() == 2);
    CHECK(lines[0].text == "refused 10.0.0.9:4711 on the link port: no handshake");
    CHECK(
        lines[1].text ==
        "refused [fd00::9]:1 on the link port: another reason; 12 others since the last such line");
}

TEST_CASE("whatever they say of themselves, lines come ever more seldom, up to once an hour") {
    Strangers strangers;
    Instant now = 10s;
    Instant last = now;
    Timing::ms pause = stranger_line_pause;
    strangers.note("first", now);
    REQUIRE(strangers.log().take().size() == 1);
    for (int told = 0; told < 16;) {
        now = last + pause - 1ms;
        strangers.note("too soon " + std::to_string(told), now);
        REQUIRE(strangers.log().take().empty());
        now += 1ms;
        strangers.note("in time " + std::to_string(told), now);
        REQUIRE(strangers.log().take().size() == 1);
        last = now;
        pause = std::min(2 * pause, stranger_line_pause_most);
        ++told;
    }
    CHECK(pause == stranger_line_pause_most);
}

TEST_CASE("after a session what was told is news again, and the pause is short again") {
    Strangers strangers;
    Instant now = 10s;
    for (int i = 0; i < 8; ++i, now += 1h)
        strangers.note("reason " + std::to_string(i % 2), now);
    (void)strangers.log().take();
    strangers.forget_told();
    strangers.note("reason 1", now);
    CHECK(strangers.log().take().size() == 1);
    strangers.note("another", now + stranger_line_pause);
    CHECK(strangers.log().take().size() == 1);
}
