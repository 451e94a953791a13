#include "replication/arbitration_desk.hpp"

#include <catch2/catch.hpp>

#include <memory>
#include <string>
#include <vector>

using namespace twincached;
using replication::ArbitrationDesk;

namespace {

struct Desk {
    Desk() {
        desk.set_wake([this] { ++looks; });
        one = desk.add_waiter([this] { ++woken_one; });
        two = desk.add_waiter([this] { ++woken_two; });
    }
    ArbitrationDesk::Asked ask(unsigned waiter, std::size_t bytes = 1) {
        return desk.ask({storage::Arithmetic{}, "k", std::string(bytes - 1, 'v')}, waiter);
    }

    ArbitrationDesk desk;
    int looks = 0;
    int woken_one = 0;
    int woken_two = 0;
    unsigned one = 0;
    unsigned two = 0;
};

}  // namespace

TEST_CASE("what was asked is found once, in its order") {
    Desk d;
    CHECK_FALSE(d.desk.has_asked());
    const auto first = d.ask(d.one);
    const auto second = d.ask(d.two);
    CHECK(d.looks == 2);
    CHECK(d.desk.has_asked());
    CHECK(d.desk.take() == std::vector<ArbitrationDesk::Asked>{first, second});
    CHECK_FALSE(d.desk.has_asked());
    CHECK(d.desk.take().empty());
    CHECK(d.desk.asked() == 2);
}

TEST_CASE("who waits for something is woken, and nobody else") {
    Desk d;
    const auto asked = d.ask(d.one);
    d.desk.wake_waiters();
    CHECK(d.woken_one == 1);
    CHECK(d.woken_two == 0);
    d.desk.wake_waiters();
    CHECK(d.woken_one == 2);
}

TEST_CASE("no more is under way than the limits say, and what is forgotten is not") {
    Desk d;
    std::vector<ArbitrationDesk::Asked> held;
    for (std::size_t i = 0; i < ArbitrationDesk::questions_limit; ++i)
        held.push_back(d.ask(d.one));
    CHECK(held.back() != nullptr);
    CHECK(d.ask(d.one) == nullptr);
    CHECK(d.desk.refused() == 1);
    d.desk.take();
    held.pop_back();
    CHECK(d.ask(d.one) != nullptr);
    d.desk.take();
    held.clear();
    const auto large = d.ask(d.one, ArbitrationDesk::bytes_limit);
    CHECK(large != nullptr);
    CHECK(d.ask(d.one) == nullptr);
}
