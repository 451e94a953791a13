#include "replication/nats/log/speaker.hpp"

#include "replication/nats/log/batch_sender.hpp"
#include "replication/records/data_frames.hpp"
#include "replication/records/frame.hpp"
#include "test/unit/replication/nats/cluster_room.hpp"

#include <catch2/catch.hpp>

#include <string>

using namespace twincached;
using namespace twincached::replication;
using namespace twincached::replication::nats;

namespace {

struct Room : ClusterRoom {
    NotedBroker broker;
    BatchSender sender{context};
    Speaker speaker{context, broker, sender, 77};

    Room() {
        speaker.begin_session();
        set("key", "value");
        REQUIRE(speaker.say_data({}));
    }
    MessageHeader said() {
        const auto message = read_message(broker.published);
        REQUIRE(message);
        return message->header;
    }
    // The change log has an entry that is to be said.
    bool is_untold() { return tracking().log.unsent_entries() > 0; }
    bool is_settled() { return tracking().log.empty(); }
};

}  // namespace

TEST_CASE("that the broker has stored a message lets the next go, and counts nothing as told") {
    Room room;
    CHECK(room.speaker.is_waiting());
    REQUIRE(room.speaker.on_published(room.broker.token, 5));
    CHECK_FALSE(room.speaker.is_waiting());
    CHECK(room.sender.is_on_its_way());
    CHECK_FALSE(room.is_settled());
    room.speaker.say({});
    CHECK(room.said().number == 2);
}

TEST_CASE("what is read in the log and taken is told, whether the broker has said so or not") {
    for (const bool has_broker_said_so : {false, true}) {
        CAPTURE(has_broker_said_so);
        Room room;
        if (has_broker_said_so) (void)room.speaker.on_published(room.broker.token, 5);
        room.speaker.on_heard(room.said(), 5, true);
        CHECK_FALSE(room.speaker.is_waiting());
        CHECK(room.is_settled());
        room.speaker.on_read(5);
        CHECK_FALSE(room.is_untold());
    }
}

TEST_CASE("what is void where it stands in the log is told again") {
    Room room;
    (void)room.speaker.on_published(room.broker.token, 5);
    room.speaker.on_heard(room.said(), 5, false);
    CHECK(room.is_untold());
    REQUIRE(room.speaker.say_data({}));
    CHECK(room.said().number == 2);
}

TEST_CASE("what does not stand where the broker has stored it is told again") {
    Room room;
    (void)room.speaker.on_published(room.broker.token, 5);
    room.speaker.on_read(4);
    CHECK_FALSE(room.is_untold());
    room.speaker.on_read(5);
    CHECK(room.is_untold());
    SECTION("also if the broker says so after it was read past") {
        REQUIRE(room.speaker.say_data({}));
        room.context.places[own_stream].consumed = 9;
        (void)room.speaker.on_published(room.broker.token, 9);
        CHECK(room.is_untold());
    }
}

TEST_CASE("what was on its way when the connection ended is told again") {
    for (const bool is_stored : {false, true}) {
        CAPTURE(is_stored);
        Room room;
        if (is_stored) (void)room.speaker.on_published(room.broker.token, 5);
        room.speaker.on_disconnected();
        CHECK(room.is_untold());
        room.speaker.begin_session();
        REQUIRE(room.speaker.say_data({}));
        CHECK(room.said().number == 1);
    }
}

// Whoever hears the second half in another session has forgotten the first.
TEST_CASE(
    "a large value of which a part was said when the connection ended is said from its start") {
    Room room;
    room.sender.set_limit(message_least_bytes);
    room.speaker.on_heard(room.said(), 1, true);
    room.set("large", std::string(3 * message_least_bytes, 'x'));
    const auto first_offset = [&] {
        const auto frame = read_frame(read_message(room.broker.published)->frames);
        const auto segment = read_segment(frame.frame.payload);
        REQUIRE(segment);
        return segment->offset;
    };
    REQUIRE(room.speaker.say_data({}));
    CHECK(first_offset() == 0);
    room.speaker.on_heard(room.said(), 2, true);
    REQUIRE(room.speaker.say_data({}));
    CHECK(first_offset() > 0);
    room.speaker.on_heard(room.said(), 3, true);
    room.speaker.on_disconnected();
    room.speaker.begin_session();
    REQUIRE(room.speaker.say_data({}));
    CHECK(first_offset() == 0);
}

TEST_CASE("a session is later than all that was said before in the log, whatever the clock says") {
    Room room;
    const auto first = room.said().session;
    room.speaker.begin_session();
    room.speaker.begin_after(1'900'000'000'000);
    room.speaker.say({});
    const auto session = room.said().session;
    CHECK(session > 1'900'000'000'000);
    CHECK(session > first);
    room.speaker.begin_after(1'900'000'000'999);  // it has spoken
    CHECK(room.speaker.session() == session);
    room.speaker.begin_session();
    CHECK(room.speaker.session() > session);
}
