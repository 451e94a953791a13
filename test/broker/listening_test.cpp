#include "replication/nats/driver/listening.hpp"

#include <catch2/catch.hpp>

#include <memory>
#include <optional>
#include <utility>

namespace twincached::broker {

using namespace twincached::replication::nats;

TEST_CASE("who listens is found by what libnats carries, until it is gone") {
    const auto intake = std::make_shared<Intake>([] {});
    std::optional<Listening> first(std::in_place, Listener{intake, 7, 3});
    const Listening second({intake, 8, 4});
    auto* const carried = first->carried();
    CHECK(Listening::find(carried)->connection == 7);
    CHECK(Listening::find(carried)->channel == 3);
    CHECK(Listening::find(second.carried())->connection == 8);

    std::optional<Listening> moved(std::move(first));
    CHECK(Listening::find(carried)->connection == 7);
    first.reset();
    CHECK(Listening::find(carried).has_value());
    moved.reset();
    CHECK_FALSE(Listening::find(carried).has_value());
    CHECK(intake.use_count() == 2);
}

TEST_CASE("what took the place of another listener leaves nothing behind") {
    const auto intake = std::make_shared<Intake>([] {});
    auto* before = static_cast<void*>(nullptr);
    {
        Listening listening({intake, 1, 1});
        before = listening.carried();
        listening = Listening({intake, 2, 1});
        CHECK_FALSE(Listening::find(before).has_value());
        CHECK(Listening::find(listening.carried())->connection == 2);
    }
    CHECK(intake.use_count() == 1);
}

}  // namespace twincached::broker
