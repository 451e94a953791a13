#include "replication/nats/log/cluster_context.hpp"

#include <catch2/catch.hpp>

using namespace twincached::replication::nats;

namespace {

// It has read all up to the message 10 itself.
StreamPlace place_at_ten() {
    StreamPlace place;
    place.created = 7;
    place.consumed = 10;
    place.consumed_ms = 1000;
    return place;
}

Delivery message(Sequence sequence, std::int64_t time) {
    Delivery delivery;
    delivery.sequence = sequence;
    delivery.time = time;
    return delivery;
}

}  // namespace

TEST_CASE("a log is read on where the message that was read last is there still") {
    const auto place = place_at_ten();
    CHECK(place.goes_on_in({7, 1, 10}));
    CHECK(place.goes_on_in({7, 10, 20}));
    CHECK_FALSE(place.goes_on_in({7, 11, 20}));
    CHECK_FALSE(place.goes_on_in({7, 1, 9}));
    CHECK_FALSE(place.goes_on_in({8, 1, 20}));
    CHECK(place.next_to_read(20) == 10);
}

TEST_CASE("a message stored at another time where one was read is of another log") {
    const auto place = place_at_ten();
    CHECK_FALSE(place.is_other_than_read(message(10, 1000)));
    CHECK(place.is_other_than_read(message(10, 1001)));
    CHECK_FALSE(place.is_other_than_read(message(11, 1001)));
}

TEST_CASE("a place that was given by another node is believed, and read on behind") {
    auto place = place_at_ten();
    place.consumed_ms = 0;
    CHECK(place.goes_on_in({7, 11, 20}));
    CHECK_FALSE(place.goes_on_in({7, 12, 20}));
    CHECK(place.next_to_read(20) == 11);
    CHECK_FALSE(place.is_other_than_read(message(10, 1)));
}

TEST_CASE("a mirror that has not come to a place that was given is read from its end on") {
    auto place = place_at_ten();
    place.epoch = 3;
    CHECK_FALSE(place.goes_on_in({7, 1, 8, 3}));
    place.consumed_ms = 0;
    CHECK(place.goes_on_in({7, 1, 8, 3}));
    CHECK(place.next_to_read(8) == 9);
    place.epoch = 7;
    CHECK_FALSE(place.goes_on_in({7, 1, 8, 7}));
}

TEST_CASE("a message behind the one that comes next tells of a gap, also where one was read") {
    auto place = place_at_ten();
    place.next = place.next_to_read(20);
    CHECK_FALSE(place.is_behind_a_gap(message(10, 1000)));
    CHECK(place.is_behind_a_gap(message(11, 1001)));
    place.next = 11;
    CHECK_FALSE(place.is_behind_a_gap(message(11, 1001)));
    CHECK(place.is_behind_a_gap(message(12, 1001)));
}
