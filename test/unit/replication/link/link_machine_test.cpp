// Every row of the table in REPLICATION.md, section 9, that concerns the machine.
#include "replication/pair/link/link_machine.hpp"

#include <catch2/catch.hpp>

#include <chrono>
#include <cstdlib>
#include <string>

using namespace twincached::replication;
using namespace twincached::replication::pair;
using namespace std::chrono_literals;

namespace {

struct Link {
    Timing timing = default_timing();
    LinkMachine machine;
    Instant now = 1000s;
    std::string log;  // all lines but the debugger's
    int dials = 0;
    int hang_ups = 0;
    int opened = 0;

    explicit Link(bool has_peer = true, std::uint64_t seed = 1,
                  OnSplit on_split = OnSplit::both_serve)
        : machine(timing, has_peer, seed, on_split) {}

    Link& on(LinkEvent event, std::string_view why = "") {
        machine.on(event, now, why);
        collect();
        return *this;
    }
    // Time passes, and every deadline on the way is told.
    Link& pass(Timing::ms time) {
        const auto end = now + time;
        while (machine.deadline() && *machine.deadline() <= end) {
            now = std::max(now, *machine.deadline());
            on(LinkEvent::timer);
        }
        now = end;
        return *this;
    }
    // Time passes until the node dials again; how long it was.
    Timing::ms wait_for_dial() {
        const auto before = dials;
        const auto began = now;
        while (dials == before && machine.deadline())
            pass(*machine.deadline() - now);
        return now - began;
    }
    Link& session(Role role = Role::secondary) {
        machine.agree_on(role);
        return on(LinkEvent::established, "session");
    }
    Link& linked(Role role = Role::secondary) {
        return on(LinkEvent::start).on(LinkEvent::connected).session(role).on(LinkEvent::caught_up);
    }
    bool said(std::string_view text) const { return log.find(text) != std::string::npos; }
    LinkState state() const { return machine.state(); }
    bool ready() const { return machine.serving() == Serving::ready; }

  private:
    void collect() {
        const auto orders = machine.take_orders();
        dials += orders.dial ? 1 : 0;
        hang_ups += orders.hang_up ? 1 : 0;
        opened += orders.ready ? 1 : 0;
        for (const auto& line : orders.lines) {
            if (line.level != LogLevel::debug) log += line.text + "\n";
        }
    }
};

}  // namespace

TEST_CASE("a node starts COLD and dials at once") {
    Link link;
    link.on(LinkEvent::start);
    CHECK(link.state() == LinkState::connecting);
    CHECK_FALSE(link.ready());
    CHECK(link.dials == 1);
}

TEST_CASE("a node without a peer serves at once, as primary, and never dials") {
    Link link(false);
    link.on(LinkEvent::start).pass(10s);
    CHECK(link.ready());
    CHECK(link.machine.role() == Role::primary);
    CHECK(link.dials == 0);
    CHECK(link.opened == 1);
}

TEST_CASE("a system that still takes calls for a process that it ends hides no death") {
    Link link(true, 1, OnSplit::secondary_closed);
    link.linked().on(LinkEvent::vanished, "connection reset by peer");
    link.wait_for_dial();
    link.on(LinkEvent::connected).on(LinkEvent::dial_failed, "connection reset by peer");
    CHECK(link.machine.access() == Access::open);
    CHECK(link.wait_for_dial() <= link.timing.redial_first * 12 / 10);
    link.on(LinkEvent::nobody_there).on(LinkEvent::dial_failed, "connection refused");
    CHECK(link.machine.access() == Access::open);
    CHECK(link.machine.role() == Role::primary);
    CHECK_FALSE(link.said("clients: closed"));
}

TEST_CASE("a peer that refuses this node lives, and a secondary steps back behind it") {
    Link link(true, 1, OnSplit::secondary_closed);
    link.linked().on(LinkEvent::vanished, "connection reset by peer");
    link.wait_for_dial();
    link.on(LinkEvent::connected).on(LinkEvent::refused, "the secrets differ");
    CHECK(link.machine.access() == Access::closed);
}

TEST_CASE("CONNECTING becomes HANDSHAKE when the dial reaches somebody") {
    Link link;
    link.on(LinkEvent::start).on(LinkEvent::connected, "connected to the peer");
    CHECK(link.state() == LinkState::handshake);
    CHECK(link.said("link: CONNECTING -> HANDSHAKE: connected to the peer"));
}

TEST_CASE("CONNECTING becomes HANDSHAKE when the peer calls first, and the dial goes on") {
    Link link;
    link.on(LinkEvent::start).on(LinkEvent::called);
    CHECK(link.state() == LinkState::handshake);
    CHECK(link.hang_ups == 0);
    link.pass(500ms);
    CHECK(link.hang_ups == 1);
    CHECK(link.state() == LinkState::handshake);
    link.pass(200ms);
    CHECK(link.dials == 2);
    CHECK(link.state() == LinkState::handshake);
}

TEST_CASE(
    "a refused dial is repeated after 100 ms, then twice as long, up to 1 s, a fifth around") {
    Link link;
    link.on(LinkEvent::start);
    for (const auto pause : {100ms, 200ms, 400ms, 800ms, 1000ms, 1000ms}) {
        link.on(LinkEvent::dial_failed, "connection refused");
        CHECK(link.state() == LinkState::listening);
        const auto wait = link.wait_for_dial();
        CHECK(wait >= pause * 80 / 100);
        CHECK(wait <= pause * 120 / 100);
        CHECK(link.state() == LinkState::connecting);
    }
}

TEST_CASE("a dial that nobody answers is given up after 500 ms") {
    Link link;
    link.on(LinkEvent::start).pass(499ms);
    CHECK(link.hang_ups == 0);
    link.pass(1ms);
    CHECK(link.hang_ups == 1);
    CHECK(link.state() == LinkState::listening);
}

TEST_CASE("equal failures of the dial are logged once") {
    Link link;
    link.on(LinkEvent::start);
    for (int i = 0; i < 20; ++i) {
        link.on(LinkEvent::dial_failed, "connection refused");
        link.wait_for_dial();
    }
    const auto first = link.log.find("connection refused");
    REQUIRE(first != std::string::npos);
    CHECK(link.log.find("connection refused", first + 1) == std::string::npos);
}

TEST_CASE("two nodes that fail in step do not stay in step") {
    Link one(true, 1);
    Link two(true, 2);
    one.on(LinkEvent::start).on(LinkEvent::dial_failed, "refused");
    two.on(LinkEvent::start).on(LinkEvent::dial_failed, "refused");
    CHECK(*one.machine.deadline() != *two.machine.deadline());
}

TEST_CASE("LISTENING becomes HANDSHAKE when the peer calls") {
    Link link;
    link.on(LinkEvent::start)
        .on(LinkEvent::dial_failed, "refused")
        .on(LinkEvent::called, "the peer called");
    CHECK(link.state() == LinkState::handshake);
}

TEST_CASE("a stranger's handshake does not stop the redials") {
    Link link;
    link.on(LinkEvent::start).on(LinkEvent::dial_failed, "refused").on(LinkEvent::called);
    link.pass(130ms);
    CHECK(link.dials == 2);
    CHECK(link.state() == LinkState::handshake);
}

TEST_CASE("a COLD node that meets nobody for the boot grace serves alone and is primary") {
    Link link;
    link.on(LinkEvent::start).on(LinkEvent::dial_failed, "refused").pass(2999ms);
    CHECK_FALSE(link.ready());
    link.pass(1ms);
    CHECK(link.ready());
    CHECK(link.opened == 1);
    CHECK(link.machine.role() == Role::primary);
    CHECK(link.said("serving alone as primary: the peer was not reached within boot-grace"));
}

TEST_CASE("a COLD node that stood still over the end of the boot grace looks for its peer first") {
    Link link;
    link.on(LinkEvent::start).on(LinkEvent::dial_failed, "refused").pass(1s);
    link.now += 60s;
    link.on(LinkEvent::timer);
    CHECK_FALSE(link.ready());
    link.pass(1s);
    CHECK(link.ready());
}

TEST_CASE("a COLD node that is REFUSED serves alone after the boot grace") {
    Link link;
    link.on(LinkEvent::start)
        .on(LinkEvent::connected)
        .on(LinkEvent::refused, "wrong secret")
        .pass(3s);
    CHECK(link.state() == LinkState::refused);
    CHECK(link.ready());
}

TEST_CASE("a COLD node whose peer accepts but never answers serves alone after the boot grace") {
    Link link;
    link.on(LinkEvent::start).on(LinkEvent::connected).pass(3s);
    CHECK(link.ready());
    CHECK(link.state() == LinkState::handshake);
}

TEST_CASE("a refusal is logged once, redialled every 5 s, and the serving state goes on") {
    Link link;
    link.on(LinkEvent::start).on(LinkEvent::connected).on(LinkEvent::refused, "other cluster");
    CHECK(link.state() == LinkState::refused);
    CHECK(link.machine.refusals() == 1);
    CHECK(link.machine.last_refusal() == "other cluster");
    const auto wait = link.wait_for_dial();
    CHECK(wait >= 4s);
    CHECK(wait <= 6s);
    CHECK(link.state() == LinkState::refused);
    const auto before = link.log;
    link.on(LinkEvent::connected).on(LinkEvent::refused, "other cluster");
    CHECK(link.log == before);
    CHECK(link.machine.refusals() == 2);
    CHECK(link.ready());
}

TEST_CASE("a second refusal for another reason is logged") {
    Link link;
    link.on(LinkEvent::start).on(LinkEvent::connected).on(LinkEvent::refused, "other cluster");
    link.wait_for_dial();
    link.on(LinkEvent::connected).on(LinkEvent::refused, "wrong secret");
    CHECK(link.said("REFUSED -> REFUSED: wrong secret"));
}

TEST_CASE("refusals and failures whose reasons take turns are logged once each, until a session") {
    Link link;
    link.on(LinkEvent::start);
    std::string before;
    for (int i = 0; i < 5; ++i) {
        link.on(LinkEvent::connected).on(LinkEvent::refused, "wrong secret");
        link.wait_for_dial();
        link.on(LinkEvent::dial_failed, "connection refused");
        link.wait_for_dial();
        link.on(LinkEvent::connected).on(LinkEvent::refused, "other cluster");
        link.wait_for_dial();
        link.on(LinkEvent::dial_failed, "no route to host");
        link.wait_for_dial();
        if (i == 0) before = link.log;
    }
    CHECK(link.log == before);
    CHECK(link.machine.refusals() == 10);
    link.on(LinkEvent::called).session().on(LinkEvent::lost, "reset");
    link.on(LinkEvent::connected).on(LinkEvent::refused, "wrong secret");
    CHECK(link.log.rfind("wrong secret") > before.size());
}

TEST_CASE("a refused peer that hangs up without a word keeps the link REFUSED") {
    Link link;
    link.on(LinkEvent::start).on(LinkEvent::connected).on(LinkEvent::refused, "wrong secret");
    link.wait_for_dial();
    link.on(LinkEvent::connected).on(LinkEvent::dial_failed, "end of stream");
    CHECK(link.state() == LinkState::refused);
}

TEST_CASE("a refused peer that goes away makes the link LISTENING again") {
    Link link;
    link.on(LinkEvent::start).on(LinkEvent::connected).on(LinkEvent::refused, "wrong secret");
    link.wait_for_dial();
    link.on(LinkEvent::dial_failed, "connection refused");
    CHECK(link.state() == LinkState::listening);
}

TEST_CASE("a refused peer that was put right and calls is taken") {
    Link link;
    link.on(LinkEvent::start).on(LinkEvent::connected).on(LinkEvent::refused, "wrong secret");
    link.on(LinkEvent::called).session();
    CHECK(link.state() == LinkState::syncing);
}

TEST_CASE("a handshake that takes too long makes the link LISTENING and the dial is repeated") {
    Link link;
    link.on(LinkEvent::start).on(LinkEvent::connected);
    link.on(LinkEvent::dial_failed, "no handshake in time")
        .on(LinkEvent::handshakes_over, "none left");
    CHECK(link.state() == LinkState::listening);
    link.pass(130ms);
    CHECK(link.dials == 2);
}

TEST_CASE("when the last handshake is over while a dial is under way the link is CONNECTING") {
    Link link;
    link.on(LinkEvent::start).on(LinkEvent::called).on(LinkEvent::handshakes_over, "end of stream");
    CHECK(link.state() == LinkState::connecting);
}

TEST_CASE("an established session makes the link SYNCING with the role that was agreed") {
    Link link;
    link.on(LinkEvent::start).on(LinkEvent::connected).session(Role::primary);
    CHECK(link.state() == LinkState::syncing);
    CHECK(link.machine.role() == Role::primary);
    CHECK(link.machine.sessions() == 1);
    CHECK(link.said("role: primary"));
    CHECK_FALSE(link.ready());
}

TEST_CASE("a session over the peer's call makes us hang up a dial that is under way") {
    Link link;
    link.on(LinkEvent::start).on(LinkEvent::called).session();
    CHECK(link.hang_ups == 1);
    link.on(LinkEvent::connected);  // it crossed the hang-up
    link.pass(2s);
    CHECK(link.state() == LinkState::syncing);
    CHECK(link.dials == 1);
}

TEST_CASE("SYNCING becomes LINKED when both have caught up, and a COLD node serves") {
    Link link;
    link.linked();
    CHECK(link.state() == LinkState::linked);
    CHECK(link.ready());
    CHECK(link.opened == 1);
    CHECK(link.said("serving: COLD -> READY: synchronised"));
}

TEST_CASE("boot grace does not open a node that is synchronising") {
    Link link;
    link.on(LinkEvent::start).on(LinkEvent::connected).session().pass(60s);
    CHECK_FALSE(link.ready());
}

TEST_CASE("a node that synchronises longer than the limit serves what it has and goes on") {
    Link link;
    link.on(LinkEvent::start).on(LinkEvent::connected).session().pass(300s);
    CHECK(link.ready());
    CHECK(link.state() == LinkState::syncing);
    CHECK(link.opened == 1);
}

TEST_CASE("sessions that come and go do not keep a COLD node closed for longer than the limit") {
    Link link;
    link.on(LinkEvent::start);
    for (int i = 0; i < 150; ++i)
        link.on(LinkEvent::connected).session().pass(2s).on(LinkEvent::lost);
    CHECK(link.ready());
}

TEST_CASE("LINKED becomes SYNCING when one node falls behind, and the link stays") {
    Link link;
    link.linked().on(LinkEvent::fell_behind, "this node's log is full");
    CHECK(link.state() == LinkState::syncing);
    CHECK(link.ready());
    CHECK(link.machine.sessions() == 1);
    CHECK(link.said("LINKED -> SYNCING: this node's log is full"));
}

TEST_CASE("a slow link is not seen LINKED more often than every 5 s") {
    Link link;
    link.linked().pass(1s);
    link.on(LinkEvent::fell_behind).pass(1s).on(LinkEvent::caught_up);
    CHECK(link.state() == LinkState::syncing);
    link.pass(2999ms);
    CHECK(link.state() == LinkState::syncing);
    link.pass(1ms);
    CHECK(link.state() == LinkState::linked);
}

TEST_CASE("a node that has fallen behind again is not LINKED when the pause is over") {
    Link link;
    link.linked()
        .on(LinkEvent::fell_behind)
        .on(LinkEvent::caught_up)
        .on(LinkEvent::fell_behind)
        .pass(10s)
        .on(LinkEvent::timer);
    CHECK(link.state() == LinkState::syncing);
}

TEST_CASE("the loss of a session promotes a READY node and dials again") {
    Link link;
    link.linked(Role::secondary).on(LinkEvent::lost, "the peer is silent");
    CHECK(link.state() == LinkState::listening);
    CHECK(link.machine.role() == Role::primary);
    CHECK(link.ready());
    CHECK(link.said("serving alone as primary: the peer is silent"));
    CHECK(link.machine.promotions() == 1);
    link.pass(120ms);
    CHECK(link.dials == 2);
}

TEST_CASE("sessions that end as soon as they begin are not begun again more than once a second") {
    Link link;
    link.linked();
    Timing::ms wait{0};
    for (int i = 0; i < 6; ++i) {
        link.on(LinkEvent::lost, "a frame that breaks the protocol");
        wait = link.wait_for_dial();
        link.on(LinkEvent::connected).session();
    }
    CHECK(wait >= 800ms);
    link.pass(5s).on(LinkEvent::lost, "reset");
    CHECK(link.wait_for_dial() <= 120ms);
}

TEST_CASE("the loss of a session leaves a COLD node COLD until the boot grace has passed again") {
    Link link;
    link.on(LinkEvent::start)
        .on(LinkEvent::connected)
        .session()
        .pass(10s)
        .on(LinkEvent::lost, "reset");
    CHECK_FALSE(link.ready());
    CHECK_FALSE(link.said("serving alone"));
    link.pass(2999ms);
    CHECK_FALSE(link.ready());
    link.pass(1ms);
    CHECK(link.ready());
    CHECK(link.said("serving alone as primary: the peer was not reached within boot-grace"));
}

TEST_CASE("a peer that says goodbye leaves the other primary at once") {
    Link link;
    link.linked().on(LinkEvent::farewell, "clean: the peer shuts down");
    CHECK(link.state() == LinkState::listening);
    CHECK(link.machine.role() == Role::primary);
    CHECK(link.said("serving alone as primary: clean: the peer shuts down"));
}

TEST_CASE("READY never reverts to COLD") {
    Link link;
    link.linked().on(LinkEvent::lost).on(LinkEvent::connected).session().on(LinkEvent::lost);
    CHECK(link.ready());
    CHECK(link.opened == 1);
}

TEST_CASE("a node that is shutting down is DRAINING, neither dials nor is promoted") {
    Link link;
    link.linked(Role::secondary).on(LinkEvent::shutdown, "terminated");
    CHECK(link.state() == LinkState::draining);
    link.on(LinkEvent::lost, "reset").pass(10s);
    CHECK(link.state() == LinkState::draining);
    CHECK(link.dials == 1);
    CHECK_FALSE(link.said("serving alone"));
}

TEST_CASE("every change of state is one line that says from, to and why") {
    Link link;
    link.linked().on(LinkEvent::lost, "end of stream");
    CHECK(link.log ==
          "link: LISTENING -> CONNECTING: dialling\n"
          "link: CONNECTING -> HANDSHAKE\n"
          "link: HANDSHAKE -> SYNCING: session\n"
          "link: SYNCING -> LINKED: in sync with the peer\n"
          "serving: COLD -> READY: synchronised\n"
          "link: LINKED -> LISTENING: end of stream; it is called again\n"
          "serving alone as primary: end of stream\n");
}

TEST_CASE("whatever happens, a node without a session always has a dial under way or due") {
    const char* given = std::getenv("TWINCACHED_SEED");
    const auto seed = given != nullptr ? std::strtoull(given, nullptr, 10) : 20250101;
    INFO("TWINCACHED_SEED=" << seed);
    twincached::lib::Random random(seed);
    Link link;
    link.on(LinkEvent::start);
    for (int i = 0; i < 20000; ++i) {
        const auto event = static_cast<LinkEvent>(1 + random.below(11));
        if (event == LinkEvent::established && link.machine.has_session()) continue;
        link.on(event, "random").pass(Timing::ms(random.below(300)));
        if (link.machine.has_session()) continue;
        const auto dials = link.dials;
        if (random.one_in(10)) link.on(LinkEvent::dial_failed, "random").pass(6s);
        if (random.one_in(10)) REQUIRE(link.on(LinkEvent::dial_failed).pass(6s).dials > dials);
    }
}

TEST_CASE("since when link, role, phase and access are what they are, is known of each") {
    Link link;
    const auto start = link.now;
    link.on(LinkEvent::start);
    const auto& since = link.machine.since();
    CHECK(since.state.at() == start);
    CHECK(since.role.at() == start);
    CHECK(since.serving.at() == start);
    link.now += 100ms;
    link.on(LinkEvent::connected).session(Role::primary);
    link.now += 100ms;
    const auto linked = link.now;
    link.on(LinkEvent::caught_up);
    CHECK(since.state.at() == linked);
    CHECK(since.serving.at() == linked);
    CHECK(since.role.at() == linked - 100ms);
    CHECK(since.access.at() == start);
    // Told again, it is no newer.
    link.now += 10s;
    link.on(LinkEvent::caught_up).on(LinkEvent::timer);
    CHECK(since.state.at() == linked);
    link.on(LinkEvent::lost, "cut");
    CHECK(since.state.at() == linked + 10s);
    CHECK(since.role.at() == linked - 100ms);
}

TEST_CASE("a policy that is set anew and lets clients in again is when access changed") {
    Link link(true, 1, OnSplit::secondary_closed);
    link.linked(Role::secondary);
    link.now += 1s;
    link.on(LinkEvent::lost, "cut");
    CHECK(link.machine.access() == Access::closed);
    CHECK(link.machine.since().access.at() == link.now);
    link.now += 1s;
    link.machine.set_on_split(OnSplit::both_serve, link.now);
    CHECK(link.machine.access() == Access::open);
    CHECK(link.machine.since().access.at() == link.now);
    CHECK(link.machine.since().role.at() == link.now);
}

TEST_CASE("a call that is over already fails a second time without a trace") {
    Link link;
    link.on(LinkEvent::start);
    for (int i = 0; i < 5; ++i)
        link.on(LinkEvent::dial_failed, "connection refused");
    CHECK(link.wait_for_dial() <= 120ms);
}
