#include "replication/pair/link/heartbeat.hpp"
#include "replication/pair/pair_options.hpp"

#include <catch2/catch.hpp>

#include <chrono>

using namespace twincached::replication::pair;
using namespace std::chrono_literals;

namespace {

struct Pulse {
    Instant now = 100s;
    Heartbeat heartbeat{default_timing(), now};

    // Time passes with a timer every 20 ms, as in a session.
    Pulse& pass(Timing::ms time) {
        for (const auto end = now + time; now < end;) {
            now += 20ms;
            heartbeat.wake(now);
        }
        return *this;
    }
    // Time passes while the process stands still.
    Pulse& stall(Timing::ms time) {
        now += time;
        heartbeat.wake(now);
        return *this;
    }
    std::string_view verdict() const { return heartbeat.verdict(now); }
};

}  // namespace

TEST_CASE("a PING is due at once and then once per heartbeat") {
    Pulse pulse;
    CHECK(pulse.heartbeat.take_ping(pulse.now));
    CHECK_FALSE(pulse.heartbeat.take_ping(pulse.now));
    CHECK_FALSE(pulse.pass(180ms).heartbeat.take_ping(pulse.now));
    CHECK(pulse.pass(20ms).heartbeat.take_ping(pulse.now));
}

TEST_CASE("a peer is given up after one second without a byte") {
    Pulse pulse;
    CHECK(pulse.pass(980ms).verdict().empty());
    CHECK(pulse.pass(20ms).verdict() == "the peer is silent");
}

TEST_CASE("any byte of the peer counts as a sign of life") {
    Pulse pulse;
    pulse.pass(900ms).heartbeat.heard(pulse.now);
    CHECK(pulse.pass(900ms).verdict().empty());
}

TEST_CASE("a peer that has not heard us for a second is given up") {
    Pulse pulse;
    pulse.heartbeat.peer_says_unheard(999ms, pulse.now);
    CHECK(pulse.verdict().empty());
    pulse.heartbeat.peer_says_unheard(1000ms, pulse.now);
    CHECK(pulse.verdict() == "the peer does not hear this node");
}

TEST_CASE("a node that stood still reads its socket before it judges the peer") {
    Pulse pulse;
    CHECK(pulse.stall(30s).verdict().empty());
    CHECK(pulse.heartbeat.stalls() == 1);
    CHECK(pulse.pass(180ms).verdict().empty());
    CHECK(pulse.pass(20ms).verdict() == "the peer is silent");
}

TEST_CASE("a node that stood still and then hears the peer goes on") {
    Pulse pulse;
    pulse.stall(30s).pass(20ms).heartbeat.heard(pulse.now);
    CHECK(pulse.pass(900ms).verdict().empty());
}

TEST_CASE("a node that stood still does not complain to the peer of its silence") {
    Pulse pulse;
    pulse.stall(30s);
    CHECK(pulse.heartbeat.unheard(pulse.now) == 0ms);
}

TEST_CASE("a node that stood still does not believe the peer's complaints of that time") {
    Pulse pulse;
    pulse.stall(30s).heartbeat.peer_says_unheard(1500ms, pulse.now);
    CHECK(pulse.verdict().empty());
    pulse.heartbeat.heard(pulse.now);
    pulse.pass(900ms).heartbeat.heard(pulse.now);
    pulse.pass(200ms).heartbeat.peer_says_unheard(1500ms, pulse.now);
    CHECK(pulse.verdict() == "the peer does not hear this node");
}

TEST_CASE("what a node reads that was given up may have waited, until the peer answers it anew") {
    Pulse pulse;
    const auto patience = default_timing().patience_of_peer();
    CHECK(patience < default_timing().silence - default_timing().heartbeat);
    pulse.pass(20ms);
    CHECK(pulse.heartbeat.take_ping(pulse.now));
    pulse.stall(patience);
    CHECK_FALSE(pulse.heartbeat.hears_what_waited());
    const auto before = pulse.now;
    pulse.stall(patience + 1ms);
    CHECK(pulse.heartbeat.hears_what_waited());
    CHECK(pulse.heartbeat.take_ping(pulse.now));  // at once
    pulse.pass(20ms).heartbeat.answered(before);
    CHECK(pulse.heartbeat.hears_what_waited());
    pulse.heartbeat.answered(pulse.now - 20ms);
    CHECK_FALSE(pulse.heartbeat.hears_what_waited());
}

TEST_CASE("two heartbeats between events are no stall") {
    Pulse pulse;
    pulse.stall(400ms);
    CHECK(pulse.heartbeat.stalls() == 0);
}

TEST_CASE("output that the network has not taken any of for 5 s ends the session") {
    Pulse pulse;
    pulse.heartbeat.output(true, false, pulse.now);
    for (int i = 0; i < 9; ++i) {
        pulse.pass(500ms).heartbeat.heard(pulse.now);
        pulse.heartbeat.output(true, false, pulse.now);
    }
    CHECK(pulse.verdict().empty());
    pulse.pass(500ms).heartbeat.heard(pulse.now);
    CHECK(pulse.verdict() == "the peer takes nothing off the link");
}

TEST_CASE("output that moves, however slowly, does not end the session") {
    Pulse pulse;
    for (int i = 0; i < 40; ++i) {
        pulse.heartbeat.output(true, i % 8 == 0, pulse.now);
        pulse.pass(500ms).heartbeat.heard(pulse.now);
        REQUIRE(pulse.verdict().empty());
    }
}

TEST_CASE("output that begins to wait after a long rest has its whole time") {
    const auto timing = default_timing();
    Pulse pulse;
    for (Timing::ms rest{0}; rest < timing.output_stuck; rest += 100ms) {
        pulse.pass(100ms).heartbeat.heard(pulse.now);
        pulse.heartbeat.output(false, false, pulse.now);
    }
    pulse.heartbeat.output(true, false, pulse.now);
    CHECK(pulse.verdict().empty());
}
