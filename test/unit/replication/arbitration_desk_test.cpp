#include "replication/arbitration_desk.hpp"

#include <catch2/catch.hpp>

#include <chrono>
#include <cstdint>
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

TEST_CASE("a value that is larger than all may be is asked for alone") {
    Desk d;
    auto large = d.ask(d.one, ArbitrationDesk::bytes_limit + 1);
    REQUIRE(large != nullptr);
    CHECK(d.ask(d.two) == nullptr);
    d.desk.take();
    large.reset();
    const auto small = d.ask(d.two);
    CHECK(small != nullptr);
    CHECK(d.ask(d.one, ArbitrationDesk::bytes_limit + 1) == nullptr);
}

TEST_CASE("an offer is seen when each thread that executes requests has looked since") {
    using storage::Arbitration;
    Desk d;
    CHECK(d.desk.is_seen());
    d.desk.offer(Arbitration::off);
    CHECK(d.desk.is_seen());
    d.desk.offer(Arbitration::conditional);
    CHECK_FALSE(d.desk.is_seen());
    CHECK(d.woken_one == 1);
    CHECK(d.woken_two == 1);
    d.desk.look(d.one);
    CHECK_FALSE(d.desk.is_seen());
    CHECK(d.woken_one == 1);
    CHECK(d.woken_two == 2);
    const auto looks = d.looks;
    d.desk.look(d.two);
    CHECK(d.looks == looks + 1);
    CHECK(d.desk.is_seen());
    d.desk.look(d.two);
    CHECK(d.looks == looks + 1);
    d.desk.offer(Arbitration::off);
    d.desk.retire(d.one);
    d.desk.look(d.two);
    CHECK(d.desk.is_seen());
}

TEST_CASE("how long clients have waited is counted for what was decided") {
    static std::int64_t time = 0;
    Desk d;
    d.desk.set_clock([]() noexcept { return time; });
    const auto decided = d.ask(d.one);
    const auto unknown = d.ask(d.one);
    time = 1600;
    decided->decide({});
    unknown->end(storage::Question::State::unknown);
    CHECK(d.desk.answered() == 1);
    CHECK(d.desk.waited() == std::chrono::nanoseconds(1600));
    const auto later = d.ask(d.one);
    time += 3200;
    later->decide({});
    CHECK(d.desk.answered() == 2);
    CHECK(d.desk.waited() == std::chrono::nanoseconds(4800));
    CHECK(d.desk.recent_wait() == std::chrono::nanoseconds(1700));
}
