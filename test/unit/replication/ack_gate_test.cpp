#include "replication/ack_gate.hpp"

#include <catch2/catch.hpp>

#include <array>

using twincached::replication::AckGate;
using twincached::storage::Ticket;
using Answer = AckGate::Answer;
using namespace std::chrono_literals;

namespace {

struct Fixture {
    explicit Fixture(bool required = false) : gate(2, {50ms, required}) {
        waiter = gate.add_waiter([this] { ++woken; });
    }
    auto link_up(std::uint64_t lag_ms = 0) { return gate.observe({true, lag_ms, now_ms}); }
    auto link_down() { return gate.observe({false, 0, now_ms}); }
    Answer look(Ticket ticket) {
        const std::array<Ticket, 1> tickets{ticket};
        return gate.look(tickets, made_in);
    }

    AckGate gate;
    unsigned waiter = 0;
    int woken = 0;
    std::uint64_t now_ms = 1000;
    AckGate::Generation made_in = 1;  // the first in sync
};

}  // namespace

TEST_CASE("an answer waits until the peer has confirmed its change") {
    Fixture f;
    CHECK(f.link_up()->find("wait for the peer") != std::string::npos);
    CHECK(f.look({0, 100}) == Answer::wait);
    f.gate.settle(1, 500, 0);
    CHECK(f.look({0, 100}) == Answer::wait);
    f.gate.settle(0, 100, 0);
    CHECK(f.look({0, 100}) == Answer::wait);
    f.gate.settle(0, 148, 0);
    CHECK(f.look({0, 100}) == Answer::go);
    CHECK(f.gate.degraded_answers() == 0);
}

TEST_CASE("a flush is waited for as well") {
    Fixture f;
    f.link_up();
    CHECK(f.look({f.gate.flush_place(), 1}) == Answer::wait);
    f.gate.settle_flushes(1);
    CHECK(f.look({f.gate.flush_place(), 1}) == Answer::go);
    CHECK(f.look({f.gate.flush_place(), 2}) == Answer::wait);
}

TEST_CASE("who waits is woken once for all that a turn has confirmed") {
    Fixture f;
    f.link_up();
    f.gate.begin_waiting(f.waiter);
    f.link_up();
    CHECK(f.woken == 0);
    f.gate.settle(0, 10, 0);
    f.gate.settle(1, 10, 0);
    f.link_up();
    CHECK(f.woken == 1);
    f.gate.settle(0, 20, 0);
    f.link_up();
    CHECK(f.woken == 1);
}

TEST_CASE("without the peer nobody waits, it is counted, and said once") {
    Fixture f;
    f.link_up();
    f.gate.begin_waiting(f.waiter);
    CHECK(f.link_down()->find("not linked") != std::string::npos);
    CHECK(f.woken == 1);
    CHECK_FALSE(f.link_down());
    CHECK(f.look({0, 100}) == Answer::go);
    CHECK(f.gate.degraded_answers() == 1);
    CHECK(f.gate.degradations() == 1);
}

TEST_CASE("where an acknowledgement is required, what is not confirmed is refused") {
    Fixture f(true);
    f.link_up();
    f.gate.settle(0, 148, 0);
    CHECK(f.look({0, 100}) == Answer::go);
    f.gate.time_out();
    CHECK(f.look({0, 200}) == Answer::refuse);
    CHECK(f.link_up()->find("within 50 ms") != std::string::npos);
    CHECK(f.gate.refused_answers() == 1);
}

TEST_CASE("after a failure the link must have been well for a second before it is waited for") {
    Fixture f;
    f.link_up();
    f.gate.time_out();
    f.link_up();
    f.now_ms += 900;
    CHECK_FALSE(f.link_up(50));  // it lags: the second begins anew
    f.now_ms += 900;
    CHECK_FALSE(f.link_up());
    f.now_ms += 999;
    CHECK_FALSE(f.link_up());
    f.now_ms += 1;
    CHECK(f.link_up());
    CHECK(f.gate.is_in_sync());
}

TEST_CASE("what left the log because it was full is never taken for confirmed") {
    Fixture f;
    f.link_up();
    f.gate.settle(0, 148, 1);
    CHECK(f.look({0, 100}) == Answer::go);
    CHECK(f.gate.degraded_answers() == 1);
    CHECK(f.link_up()->find("change log is full") != std::string::npos);
}

TEST_CASE("a change that is not logged ends the waiting") {
    Fixture f(true);
    f.link_up();
    CHECK(f.look({0, Ticket::unconfirmable}) == Answer::refuse);
    CHECK_FALSE(f.gate.is_in_sync());
}

TEST_CASE("what was changed before a failure is not confirmed by what came after it") {
    Fixture f(true);
    f.link_up();
    f.link_down();
    f.link_up();
    f.now_ms += 1000;
    REQUIRE(f.link_up());
    f.gate.settle(0, 500, 0);
    CHECK(f.look({0, 100}) == Answer::refuse);
    f.made_in = f.gate.generation();
    CHECK(f.look({0, 100}) == Answer::go);
}
