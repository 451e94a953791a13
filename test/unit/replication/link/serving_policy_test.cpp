// What a node is to its clients, by itself: see also split_policy_test.cpp, where two engines meet.
#include "replication/pair/link/serving_policy.hpp"

#include <catch2/catch.hpp>

#include <chrono>
#include <string>

using namespace twincached::replication;
using namespace twincached::replication::pair;
using namespace std::chrono_literals;

namespace {

struct Clients {
    explicit Clients(OnSplit on_split = OnSplit::both_serve) : policy(timing, on_split, log) {
        policy.start(now);
    }

    Timing timing = default_timing();
    LinkLog log;
    Instant now = 1000s;
    ServingPolicy policy;

    Clients& pass(Timing::ms time) {
        now += time;
        policy.on_timer(now);
        return *this;
    }
    Clients& linked(Role role = Role::secondary) {
        policy.agree_on(role);
        policy.begin_session(now);
        policy.on_linked(now);
        return *this;
    }
    bool is_ready() const { return policy.serving() == Serving::ready; }
    bool said(std::string_view text) {
        std::string all;
        for (const auto& line : log.take())
            all += line.text + "\n";
        return all.find(text) != std::string::npos;
    }
};

}  // namespace

TEST_CASE("a COLD node that meets nobody serves when boot-grace is over, as the primary") {
    Clients c;
    CHECK(c.policy.deadline() == c.now + std::min(c.timing.boot_grace, c.timing.sync_serve));
    c.pass(c.timing.boot_grace - 1ms);
    CHECK_FALSE(c.is_ready());
    CHECK_FALSE(c.policy.take_ready());
    c.pass(1ms);
    CHECK(c.is_ready());
    CHECK(c.policy.take_ready());
    CHECK_FALSE(c.policy.take_ready());
    CHECK(c.policy.role() == Role::primary);
    CHECK(c.policy.ready_since() == c.now);
}

TEST_CASE("a node that stood still looks for its peer for the length of silence before it serves") {
    Clients c;
    c.pass(c.timing.boot_grace + 2 * c.timing.heartbeat + 1ms);
    CHECK_FALSE(c.is_ready());
    c.pass(c.timing.silence - 1ms);
    CHECK_FALSE(c.is_ready());
    c.pass(1ms);
    CHECK(c.is_ready());
}

TEST_CASE("a node that is a little late with its timer serves all the same") {
    Clients c;
    c.pass(c.timing.boot_grace + 2 * c.timing.heartbeat);
    CHECK(c.is_ready());
}

TEST_CASE("a node that is filled serves what it has when sync-serve is over") {
    Clients c;
    c.policy.begin_session(c.now);
    c.pass(c.timing.sync_serve - 1ms);
    CHECK_FALSE(c.is_ready());
    c.pass(1ms);
    CHECK(c.is_ready());
    CHECK(c.policy.promotions() == 0);
    CHECK(c.policy.role() == Role::secondary);
}

TEST_CASE("a node without a peer is primary and serves at once") {
    Timing timing = default_timing();
    LinkLog log;
    ServingPolicy policy(timing, OnSplit::both_serve, log);
    policy.start_alone(5s);
    CHECK(policy.serving() == Serving::ready);
    CHECK(policy.role() == Role::primary);
    CHECK_FALSE(policy.deadline());
}

TEST_CASE("what the two agree on is the role, and is told if it is another") {
    Clients c;
    c.linked(Role::primary);
    CHECK(c.policy.role() == Role::primary);
    CHECK(c.said("role: primary: agreed with the peer"));
    CHECK(c.policy.promotions() == 0);
    c.linked(Role::primary);
    CHECK_FALSE(c.said("agreed with the peer"));
}

TEST_CASE("a node that loses its peer while it is COLD waits for it anew") {
    Clients c;
    c.policy.begin_session(c.now);
    c.now += 1s;
    CHECK_FALSE(c.policy.end_session(PeersFate::gone, c.now, "gone"));
    CHECK(c.policy.promotions() == 0);
    c.pass(c.timing.boot_grace - 1ms);
    CHECK_FALSE(c.is_ready());
    c.pass(1ms);
    CHECK(c.is_ready());
}

TEST_CASE("a secondary steps back behind a primary that may live, if on-split says so") {
    const auto [on_split, access] =
        GENERATE(table<OnSplit, Access>({{OnSplit::both_serve, Access::open},
                                         {OnSplit::secondary_read_only, Access::read_only},
                                         {OnSplit::secondary_closed, Access::closed}}));
    Clients c(on_split);
    c.linked();
    CHECK_FALSE(c.policy.end_session(PeersFate::unknown, c.now, "silent"));
    CHECK(c.policy.access() == access);
    CHECK(c.policy.promotions() == (on_split == OnSplit::both_serve ? 1 : 0));
    CHECK(c.policy.take_access().value_or(Access::open) == access);
    CHECK_FALSE(c.policy.take_access());
}

TEST_CASE("a primary, or one whose peer is gone for certain, goes on whatever on-split says") {
    Clients primary(OnSplit::secondary_closed);
    primary.linked(Role::primary);
    CHECK_FALSE(primary.policy.end_session(PeersFate::unknown, primary.now, "silent"));
    CHECK(primary.policy.access() == Access::open);
    Clients secondary(OnSplit::secondary_closed);
    secondary.linked();
    CHECK_FALSE(secondary.policy.end_session(PeersFate::gone, secondary.now, "goodbye"));
    CHECK(secondary.policy.access() == Access::open);
    CHECK(secondary.policy.role() == Role::primary);
}

TEST_CASE("in doubt the peer's host is asked, and clients go on until it has answered") {
    Clients c(OnSplit::secondary_read_only);
    c.linked();
    REQUIRE(c.policy.end_session(PeersFate::to_be_asked, c.now, "connection reset"));
    CHECK(c.policy.access() == Access::open);
    SECTION("a host that answers, or none, may hide a peer that lives") {
        c.policy.end_doubt("no answer in time");
        CHECK(c.policy.access() == Access::read_only);
        CHECK(c.policy.role() == Role::secondary);
        c.policy.end_doubt("again");
        CHECK(c.policy.promotions() == 0);
    }
    SECTION("a host that answers nothing for as long as a peer may be silent") {
        CHECK(c.policy.deadline() == c.now + c.timing.silence);
        c.now += c.timing.silence - 1ms;
        c.policy.on_timer(c.now);
        CHECK(c.policy.access() == Access::open);
        c.now += 1ms;
        c.policy.on_timer(c.now);
        CHECK(c.policy.access() == Access::read_only);
        CHECK_FALSE(c.policy.deadline());
    }
    SECTION("a host on which no peer runs") {
        c.policy.on_nobody_there();
        CHECK(c.policy.access() == Access::open);
        CHECK(c.policy.role() == Role::primary);
        c.policy.on_nobody_there();
        CHECK(c.policy.promotions() == 1);
    }
    SECTION("the peer itself") {
        c.policy.begin_session(c.now);
        c.policy.end_doubt("a dial failed");
        CHECK(c.policy.access() == Access::open);
    }
}

TEST_CASE("a restricted node serves when it is linked, is primary, or is told to") {
    Clients c(OnSplit::secondary_closed);
    c.linked();
    (void)c.policy.end_session(PeersFate::unknown, c.now, "silent");
    REQUIRE(c.policy.access() == Access::closed);
    SECTION("linked again") {
        c.policy.begin_session(c.now);
        CHECK(c.policy.access() == Access::closed);
        c.policy.on_linked(c.now);
    }
    SECTION("with a peer that has begun anew") {
        c.policy.agree_on(Role::primary);
        c.policy.begin_session(c.now);
    }
    SECTION("its operator says so, in a session") {
        c.policy.begin_session(c.now);
        c.policy.set_on_split(OnSplit::both_serve, true);
        CHECK(c.policy.promotions() == 0);
    }
    SECTION("its operator says so, without a peer") {
        c.policy.set_on_split(OnSplit::secondary_read_only, false);
        CHECK(c.policy.promotions() == 1);
    }
    CHECK(c.policy.access() == Access::open);
}

TEST_CASE("another on-split changes nothing for a node that serves") {
    Clients c(OnSplit::both_serve);
    c.linked();
    c.policy.set_on_split(OnSplit::secondary_closed, true);
    CHECK(c.policy.access() == Access::open);
    (void)c.policy.end_session(PeersFate::unknown, c.now, "silent");
    CHECK(c.policy.access() == Access::closed);
}

TEST_CASE("a node that shuts down waits for nothing any more") {
    Clients c;
    c.policy.shut_down();
    CHECK_FALSE(c.policy.deadline());
    c.pass(1h);
    CHECK_FALSE(c.is_ready());
}
