// What gets into the log of all that a peer can bring about: enough of it to see what goes on, and
// then how often.
#include "replication/pair/line_limits.hpp"
#include "test/unit/replication/hostile_peer.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <optional>
#include <string>

namespace twincached::replication::pair {
namespace {

constexpr auto at_once = LineLimits::lines_at_once;

std::size_t lines_of(const std::string& log) {
    return static_cast<std::size_t>(std::count(log.begin(), log.end(), '\n'));
}

// How many of so many lines are told.
std::size_t told_of(LineLimits& limits, LogLevel level, std::size_t lines, Instant now) {
    std::size_t told = 0;
    for (std::size_t i = 0; i < lines; ++i) {
        LogLine line{level, "line"};
        told += limits.admits(line, now) ? 1 : 0;
    }
    return told;
}

}  // namespace

TEST_CASE("lines are told until there are many, and then one in a while, which says how many") {
    LineLimits limits;
    const Instant now{1'000'000};
    CHECK(told_of(limits, LogLevel::info, at_once + 77, now) == at_once);
    constexpr auto pause = LineLimits::line_pause;
    CHECK(told_of(limits, LogLevel::info, 1, now + pause - std::chrono::milliseconds(1)) == 0);
    LogLine line{LogLevel::info, "line"};
    REQUIRE(limits.admits(line, now + pause));
    CHECK(line.text == "line; 78 lines of the link were left out before");
    LogLine next{LogLevel::info, "line"};
    REQUIRE(limits.admits(next, now + 2 * pause));
    CHECK(next.text == "line");
}

TEST_CASE("what is harmless does not crowd out what is not") {
    LineLimits limits;
    const Instant now{1'000'000};
    CHECK(told_of(limits, LogLevel::debug, 10 * at_once, now) == at_once);
    CHECK(told_of(limits, LogLevel::info, 10 * at_once, now) == at_once);
    CHECK(told_of(limits, LogLevel::warning, 10 * at_once, now) == at_once);
    CHECK(told_of(limits, LogLevel::error, 1, now) == 1);
}

TEST_CASE("each vain call of daily life is told to whoever wants to know of them") {
    LineLimits limits;
    for (int second = 1; second < 1000; ++second)
        CHECK(told_of(limits, LogLevel::debug, 2, std::chrono::seconds(second)) == 2);
}

TEST_CASE("a peer whose sessions end as soon as they have begun does not fill the log") {
    HostilePeer peer;
    peer.few_items = 64;
    for (std::size_t i = 0; i < at_once; ++i) {
        REQUIRE(peer.begin_session());
        peer.say_bytes("no frame");
        REQUIRE_FALSE(peer.engine.has_session());
    }
    // Of each session there are at least two lines.
    CHECK(lines_of(peer.log) >= at_once);
    CHECK(lines_of(peer.log) <= 2 * at_once);
    peer.log.clear();
    peer.pass(LineLimits::line_pause);
    REQUIRE(peer.begin_session());
    CHECK(peer.said("lines of the link were left out before"));
}

TEST_CASE("a peer that gives the same order for ever does not fill the log") {
    HostilePeer peer;
    peer.few_items = 64;
    REQUIRE(peer.begin_session());
    for (std::size_t i = 0; i < 3 * at_once; ++i)
        peer.say(OrderFrame{OrderWord::compare});
    CHECK(lines_of(peer.log) <= 2 * at_once);
    CHECK(peer.engine.has_session());
}

TEST_CASE("a role that is handed over and back for ever is told of at last, and not each time") {
    HostilePeer peer;
    peer.few_items = 64;
    while (peer.engine.link().serving() != Serving::ready)
        peer.pass(default_timing().heartbeat);
    (void)peer.engine.take_role_change();
    peer.hello.role = primary_by_order;
    peer.hello.capabilities |= capability_orders;
    std::size_t told = 0;
    for (int i = 0; i < 50; ++i) {
        REQUIRE(peer.begin_session());
        told += peer.engine.take_role_change() ? 1 : 0;
        CHECK(peer.engine.link().role() == Role::secondary);
        peer.say(Bye{ByeReason::shutdown, "for now"});
        told += peer.engine.take_role_change() ? 1 : 0;
        CHECK(peer.engine.link().role() == Role::primary);
    }
    CHECK(told >= 10);
    CHECK(told <= 25);
    peer.pass(LineLimits::line_pause);
    const auto last = peer.engine.take_role_change();
    REQUIRE(last);
    CHECK(last->to == last->here);
    peer.pass(LineLimits::line_pause);
    CHECK_FALSE(peer.engine.take_role_change());
}

}  // namespace twincached::replication::pair
