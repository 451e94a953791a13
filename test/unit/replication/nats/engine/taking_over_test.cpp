#include "replication/nats/engine/taking_over.hpp"

#include "test/unit/replication/nats/cluster_room.hpp"

#include <catch2/catch.hpp>

using namespace twincached;
using namespace twincached::replication::nats;

namespace {

// A node that listens, and does not know its place; and what a donor gives that has read up to 40.
struct Room : ClusterRoom {
    NotedBroker broker;
    GivenState given;

    Room() {
        context.places[own_stream].created = context.places[own_stream].epoch = 7;
        GivenStream stream;
        stream.tag = tag_of(options.streams[own_stream]);
        stream.created = 7;
        stream.consumed = 40;
        given.streams.push_back(stream);
    }
    void hear(unsigned node, std::uint64_t session, std::uint64_t number) {
        MessageHeader header;
        header.node = static_cast<std::uint8_t>(node);
        header.session = session;
        header.number = number;
        (void)context.members.hear(own_stream, 1000, header, {});
    }
};

}  // namespace

TEST_CASE("a place comes with its member table: what was heard since is heard anew") {
    Room room;
    room.hear(1, 5, 9);
    room.hear(2, 6, 9);
    Member member;
    member.is_known = true;
    member.session = 5;
    member.number = 3;
    room.given.members.push_back({1, member});
    REQUIRE(take_place(room.context, room.broker, room.given));
    CHECK(room.broker.consumed_from == 41);
    CHECK(room.context.places[own_stream].is_known);
    CHECK(room.context.members[1].number == 3);
    CHECK(room.context.members[2].session == 0);
}

TEST_CASE("a place in another stream of the same name is not taken") {
    Room room;
    room.given.streams[0].created = 8;
    CHECK_FALSE(take_place(room.context, room.broker, room.given));
    CHECK_FALSE(room.context.places[own_stream].is_known);
}

TEST_CASE("what a donor ever let go is taken over, and its floors are with its place alone") {
    Room room;
    room.given.floors.push_back({15, 16, 17});
    take_registers(room.context, room.given);
    const auto& removals = room.sink.removals(0);
    CHECK(removals.ever(15) == 17);
    const auto hash = std::uint64_t{15} << 48;
    CHECK(removals.known(hash, false) == 0);
    REQUIRE(take_place(room.context, room.broker, room.given));
    CHECK(removals.known(hash, false) == 16);
}
