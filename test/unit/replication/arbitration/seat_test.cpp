#include "replication/pair/arbitration/seat.hpp"

#include <catch2/catch.hpp>

#include <cstdlib>
#include <deque>
#include <random>
#include <string>

namespace twincached::replication::pair {
namespace {

struct Seats {
    Seats() {
        a.begin(true);
        b.begin(false);
    }
    Seat a;
    Seat b;
};

}  // namespace

TEST_CASE("without a session nobody decides for another, and nobody is asked") {
    Seat seat;
    CHECK_FALSE(seat.decides());
    CHECK_FALSE(seat.may_ask());
    seat.begin(true);
    seat.end();
    CHECK_FALSE(seat.decides());
}

TEST_CASE("at the beginning of a session the primary decides, and the other one asks") {
    const Seats seats;
    CHECK(seats.a.decides());
    CHECK_FALSE(seats.a.may_ask());
    CHECK_FALSE(seats.b.decides());
    CHECK(seats.b.may_ask());
}

TEST_CASE("between giving up and passing nobody decides, and the one that gave up asks nobody") {
    Seats seats;
    seats.a.give_up();
    CHECK(seats.a.is_leaving());
    CHECK_FALSE(seats.a.decides());
    CHECK_FALSE(seats.a.may_ask());
    CHECK_FALSE(seats.b.decides());
    seats.a.pass();
    CHECK(seats.a.may_ask());
    CHECK_FALSE(seats.b.decides());
    CHECK(seats.b.told(seats.a.term()));
    CHECK(seats.b.decides());
}

TEST_CASE("who does not decide has nothing to give up") {
    Seats seats;
    seats.b.give_up();
    CHECK_FALSE(seats.b.is_leaving());
    CHECK(seats.b.may_ask());
}

TEST_CASE("what is told twice, or late, changes nothing") {
    Seats seats;
    seats.a.give_up();
    seats.a.pass();
    const auto first = seats.a.term();
    CHECK(seats.b.told(first));
    CHECK(seats.b.told(first));
    seats.b.give_up();
    seats.b.pass();
    CHECK(seats.b.told(first));
    CHECK_FALSE(seats.b.decides());
    CHECK(seats.a.told(seats.b.term()));
    CHECK(seats.a.decides());
}

TEST_CASE("nobody takes a seat that was not the other one's to pass") {
    Seats seats;
    CHECK_FALSE(seats.a.told(1));
    CHECK(seats.a.decides());
    CHECK_FALSE(seats.b.told(2));
    CHECK_FALSE(seats.b.decides());
}

TEST_CASE("however terms are told, never do two decide, and in the end one does") {
    const char* given = std::getenv("TWINCACHED_SEED");
    const auto seed = given != nullptr ? std::strtoul(given, nullptr, 10) : std::random_device{}();
    INFO("TWINCACHED_SEED=" << seed);
    std::mt19937 random(static_cast<std::mt19937::result_type>(seed));
    Seats seats;
    std::deque<std::uint32_t> to_a;
    std::deque<std::uint32_t> to_b;
    bool well = true;
    for (int i = 0; i < 2000; ++i) {
        const bool is_a = random() % 2 == 0;
        auto& self = is_a ? seats.a : seats.b;
        auto& inbox = is_a ? to_a : to_b;
        auto& outbox = is_a ? to_b : to_a;
        switch (random() % 4) {
            case 0:
                self.give_up();
                break;
            case 1:
                if (self.is_leaving()) self.pass();
                break;
            case 2:
                outbox.push_back(self.term());
                break;
            default:
                if (inbox.empty()) break;
                well = self.told(inbox.front()) && well;
                inbox.pop_front();
        }
        well = well && !(seats.a.decides() && seats.b.decides());
    }
    CHECK(well);
    for (auto* seat : {&seats.a, &seats.b})
        if (seat->is_leaving()) seat->pass();
    CHECK(seats.a.told(seats.b.term()));
    CHECK(seats.b.told(seats.a.term()));
    CHECK(seats.a.decides() != seats.b.decides());
}

}  // namespace twincached::replication::pair
