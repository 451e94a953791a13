// When the peer is called: see also link_machine_test.cpp, which knows what follows from it.
#include "replication/pair/link/dialling.hpp"

#include "replication/pair/pair_options.hpp"

#include <catch2/catch.hpp>

#include <chrono>

using namespace twincached::replication;
using namespace twincached::replication::pair;
using namespace std::chrono_literals;

namespace {

struct Dials {
    explicit Dials(bool has_peer = true, std::uint64_t seed = 1)
        : dialling(timing, has_peer, seed) {}

    Timing timing = default_timing();
    Dialling dialling;
    Instant now = 1000s;

    // The dial fails; how long the pause before the next is.
    Timing::ms pause_after_failure() {
        dialling.give_up();
        dialling.retry(now);
        return *dialling.next() - now;
    }
    void session_of(Timing::ms length) {
        dialling.begin_session(now);
        now += length;
        dialling.end_session(now);
    }
    Timing::ms pause() const { return *dialling.next() - now; }
};

bool is_about(Timing::ms pause, Timing::ms wanted) {
    return pause >= wanted * 80 / 100 && pause <= wanted * 120 / 100;
}

}  // namespace

TEST_CASE("a dial that nobody answers is too late when its time is over, and not before") {
    Dials d;
    d.dialling.dial(d.now);
    CHECK(d.dialling.take_dial());
    CHECK_FALSE(d.dialling.take_dial());
    CHECK(d.dialling.is_calling());
    CHECK_FALSE(d.dialling.is_too_late(d.now + d.timing.connect - 1ms));
    CHECK(d.dialling.is_too_late(d.now + d.timing.connect));
    CHECK(d.dialling.next() == d.now + d.timing.connect);
}

TEST_CASE("a dial that has connected is under way for as long as its handshake takes") {
    Dials d;
    d.dialling.dial(d.now);
    d.dialling.connected();
    CHECK_FALSE(d.dialling.is_calling());
    CHECK(d.dialling.is_under_way());
    CHECK_FALSE(d.dialling.next());
    CHECK(d.dialling.give_up());
    CHECK_FALSE(d.dialling.is_under_way());
    CHECK_FALSE(d.dialling.give_up());
}

TEST_CASE("the pause doubles with every failure, up to its limit, a fifth more or less") {
    Dials d;
    auto wanted = d.timing.redial_first;
    for (int i = 0; i < 10; ++i) {
        CHECK(is_about(d.pause_after_failure(), wanted));
        wanted = std::min(wanted * 2, d.timing.redial_last);
    }
}

TEST_CASE("pauses differ from node to node, so that dials which cross do not cross again") {
    Dials one(true, 1);
    Dials other(true, 2);
    int apart = 0;
    for (int i = 0; i < 20; ++i)
        apart += one.pause_after_failure() != other.pause_after_failure() ? 1 : 0;
    CHECK(apart > 10);
}

TEST_CASE("the next dial is due at the end of the pause, and not before") {
    Dials d;
    d.dialling.retry(d.now);
    const auto at = *d.dialling.next();
    CHECK_FALSE(d.dialling.is_due(at - 1ms));
    CHECK(d.dialling.is_due(at));
    d.dialling.dial(at);
    CHECK_FALSE(d.dialling.is_due(at));
}

TEST_CASE("after a session that lasted the pause is the shortest again") {
    Dials d;
    for (int i = 0; i < 10; ++i)
        d.pause_after_failure();
    d.session_of(d.timing.settled);
    CHECK(is_about(d.pause(), d.timing.redial_first));
}

TEST_CASE("sessions that end before they have settled make the pause longer and longer") {
    Dials d;
    auto wanted = d.timing.redial_first;
    for (int i = 0; i < 8; ++i) {
        d.session_of(d.timing.settled - 1ms);
        CHECK(is_about(d.pause(), wanted));
        wanted = std::min(wanted * 2, d.timing.redial_last);
    }
    d.session_of(d.timing.settled);
    CHECK(is_about(d.pause(), d.timing.redial_first));
}

TEST_CASE("a session ends a dial that is still under way") {
    Dials d;
    d.dialling.dial(d.now);
    d.dialling.begin_session(d.now);
    CHECK(d.dialling.take_hang_up());
    CHECK_FALSE(d.dialling.is_under_way());
    CHECK_FALSE(d.dialling.next());
}

TEST_CASE("a session that came of the dial itself has nothing to hang up") {
    Dials d;
    d.dialling.dial(d.now);
    d.dialling.connected();
    d.dialling.begin_session(d.now);
    CHECK_FALSE(d.dialling.take_hang_up());
}

TEST_CASE("a reason for failures is news once until there is a session again") {
    Dials d;
    CHECK(d.dialling.chatter() == LogLevel::info);
    CHECK(d.dialling.note_failure("refused"));
    CHECK_FALSE(d.dialling.note_failure("refused"));
    CHECK(d.dialling.note_failure("no route"));
    CHECK(d.dialling.chatter() == LogLevel::debug);
    d.dialling.begin_session(d.now);
    CHECK(d.dialling.chatter() == LogLevel::info);
    CHECK(d.dialling.note_failure("refused"));
}

TEST_CASE("a node without a peer has nobody to call, whatever fails") {
    Dials d(false);
    d.dialling.retry(d.now);
    d.dialling.end_session(d.now);
    CHECK_FALSE(d.dialling.next());
}

TEST_CASE("a node that shuts down hangs up and calls nobody any more") {
    const bool connected = GENERATE(false, true);
    Dials d;
    d.dialling.dial(d.now);
    if (connected) d.dialling.connected();
    d.dialling.shut_down();
    CHECK(d.dialling.take_hang_up() == !connected);
    CHECK_FALSE(d.dialling.take_dial());
    CHECK_FALSE(d.dialling.next());
}
