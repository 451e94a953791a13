#include "replication/nats/walk/questions.hpp"

#include <catch2/catch.hpp>

#include <string>

using namespace twincached;
using namespace twincached::replication::nats;

TEST_CASE("a question comes back as it was written") {
    Question question;
    question.topic = Topic::lists;
    question.hash_check = 7;
    question.has_missed_nothing = GENERATE(false, true);
    question.stream_count = 1;
    question.streams[0] = {1, 2, 3};
    question.frames = "frames";
    lib::ByteBuffer out;
    write_question(out, question);
    const std::string bytes(out.readable());
    const auto read = read_question(bytes);
    REQUIRE(read);
    CHECK(read->topic == Topic::lists);
    CHECK(read->hash_check == 7);
    CHECK(read->has_missed_nothing == question.has_missed_nothing);
    CHECK(read->stream_count == 1);
    CHECK(read->streams[0].consumed == 3);
    CHECK(read->frames == "frames");
    for (std::size_t size = 0; size < bytes.size() - question.frames.size(); ++size)
        CHECK_FALSE(read_question(std::string_view(bytes).substr(0, size)));
}

TEST_CASE("what a donor knows beside its items comes back section by section") {
    GivenState given;
    given.broker_now_ms = 5;
    given.streams.push_back({1, 2, 3, 4, 5});
    Member member;
    member.is_known = member.is_ready = true;
    member.session = 6;
    member.consumed[0] = 7;
    given.members.push_back({2, member});
    given.flush = 8;
    given.schedule = 9;
    given.schedule_at_ms = 10;
    given.version_time = 11;
    const GivenRemoval removal{12, 13, {0, 14}};
    const GivenFloor floor{15, 16, 17};

    GivenState taken;
    const auto take = [&](auto write) {
        lib::ByteBuffer out;
        write(out);
        const std::string bytes(out.readable());
        // One that is cut is not taken, and what it began with is.
        auto cut = taken;
        CHECK_FALSE(read_section(std::string_view(bytes).substr(0, bytes.size() - 1), cut));
        return read_section(bytes, taken);
    };
    REQUIRE(take([&](lib::ByteBuffer& out) { write_state(out, given); }));
    REQUIRE(take([&](lib::ByteBuffer& out) { write_removals(out, &removal, 1); }));
    REQUIRE(take([&](lib::ByteBuffer& out) { write_floors(out, &floor, 1); }));
    CHECK(taken.streams[0].consumed == 3);
    CHECK(taken.streams[0].log_ms == 4);
    CHECK(taken.members[0].node == 2);
    CHECK(taken.members[0].member.session == 6);
    CHECK(taken.members[0].member.consumed[0] == 7);
    CHECK(taken.flush == 8);
    CHECK(taken.version_time == 11);
    CHECK(taken.removals[0].version == 13);
    CHECK(taken.removals[0].place.sequence == 14);
    CHECK(taken.floors[0].bucket == 15);
    CHECK(taken.floors[0].version == 16);
    CHECK(taken.floors[0].ever == 17);
}

TEST_CASE("sections of what a donor knows come after the first of them, and that comes once") {
    lib::ByteBuffer floors;
    const GivenFloor floor{15, 16, 17};
    write_floors(floors, &floor, 1);
    GivenState taken;
    CHECK_FALSE(read_section(floors.readable(), taken));
    GivenState given;
    given.streams.push_back({});
    lib::ByteBuffer state;
    write_state(state, given);
    CHECK(read_section(state.readable(), taken));
    CHECK_FALSE(read_section(state.readable(), taken));
}
