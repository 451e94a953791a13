#include "replication/nats/log/member_table.hpp"

#include <catch2/catch.hpp>

using namespace twincached::replication::nats;

namespace {

using Hearing = MemberTable::Hearing;

constexpr std::uint64_t timeout_ms = 30'000;

// The table of node 0, and what others say in its stream.
struct Table {
    MemberTable members{{timeout_ms, 3000, 3000}, 0};
    std::int64_t now_ms = 1'000'000;

    Hearing say(unsigned node, std::uint64_t session, std::uint64_t count, Sequence consumed = 0,
                bool is_in_step = false, std::uint8_t disbelieved = 0) {
        MessageHeader header;
        header.node = static_cast<std::uint8_t>(node);
        header.session = session;
        header.number = count;
        header.is_in_step = is_in_step;
        header.disbelieved = disbelieved;
        return members.hear(own_stream, now_ms, header, {consumed});
    }
    // So much time passes in the log, in which somebody else speaks.
    void pass(std::uint64_t ms, unsigned speaker) {
        for (std::uint64_t passed = 0; passed < ms; passed += 1000) {
            now_ms += 1000;
            (void)say(speaker, 1, ++number);
        }
    }
    std::uint64_t number = 100;
};

}  // namespace

TEST_CASE("what a node says first makes it a member, and says nothing of data") {
    Table table;
    CHECK(table.say(1, 5, 1) == Hearing::was_forgotten);
    CHECK(table.say(1, 5, 2) == Hearing::taken);
    CHECK(table.members.live_others() == 1);
}

TEST_CASE("what comes twice, or of a session that is over, is late") {
    Table table;
    (void)table.say(1, 5, 1);
    CHECK(table.say(1, 5, 1) == Hearing::is_late);
    CHECK(table.say(1, 6, 1) == Hearing::taken);
    CHECK(table.say(1, 5, 9) == Hearing::is_late);
    CHECK(table.say(1, 6, 2) == Hearing::taken);
}

TEST_CASE("a node is waited for as long as it was heard within the timeout") {
    Table table;
    (void)table.say(1, 1, 1, 40);
    (void)table.say(2, 1, 1, 90);
    CHECK(table.members.all_past({own_stream, 40}));
    CHECK_FALSE(table.members.all_past({own_stream, 41}));
    table.number = 1;
    table.pass(timeout_ms, 2);
    CHECK(table.members.is_live(1));
    table.pass(1000, 2);
    CHECK_FALSE(table.members.is_live(1));
    CHECK(table.say(1, 1, 2) == Hearing::was_forgotten);
}

TEST_CASE("nobody believes a node that all others refuse, once they have read what it said") {
    Table table;
    constexpr std::uint8_t node_0 = 1;
    CHECK_FALSE(table.members.nobody_believes({own_stream, 0}));
    (void)table.say(1, 1, 1, 10, true, node_0);
    CHECK(table.members.nobody_believes({own_stream, 10}));
    CHECK_FALSE(table.members.nobody_believes({own_stream, 11}));
    (void)table.say(2, 1, 1, 10, true, 0);
    CHECK_FALSE(table.members.nobody_believes({own_stream, 10}));
    (void)table.say(2, 1, 2, 10, true, 0xFE);
    CHECK_FALSE(table.members.nobody_believes({own_stream, 10}));
    (void)table.say(2, 1, 3, 10, true, 0xFF);
    CHECK(table.members.nobody_believes({own_stream, 10}));
}

TEST_CASE("whose versions were refused is told until it begins another session") {
    Table table;
    (void)table.say(1, 1, 1);
    (void)table.say(3, 1, 1);
    table.members.set_disbelieved(1, true);
    table.members.set_disbelieved(3, true);
    (void)table.say(1, 1, 2);
    CHECK(table.members.disbelieved() == 0b1010);
    (void)table.say(1, 2, 1);
    CHECK(table.members.disbelieved() == 0b1000);
    table.members.set_disbelieved(3, false);
    CHECK(table.members.disbelieved() == 0);
}

TEST_CASE("a time in which nobody could say anything makes nobody silent") {
    Table table;
    (void)table.say(1, 1, 1);
    (void)table.say(2, 1, 1);
    table.now_ms += 3'600'000;
    CHECK(table.say(1, 2, 1) == Hearing::taken);
    CHECK(table.say(2, 2, 1) == Hearing::taken);
}

TEST_CASE("a node that leaves is waited for no longer, and what it said before stays late") {
    Table table;
    (void)table.say(1, 5, 1);
    MessageHeader farewell;
    farewell.node = 1;
    farewell.session = 5;
    farewell.number = 3;
    farewell.leaves = true;
    (void)table.members.hear(own_stream, table.now_ms, farewell, {});
    CHECK(table.members.live_others() == 0);
    CHECK(table.members.all_past({own_stream, 1'000'000}));
    CHECK(table.say(1, 5, 2) == Hearing::is_late);
}

TEST_CASE("all are in step once everybody is who was heard within the timeout, gone or not") {
    Table table;
    CHECK(table.members.all_in_step());
    (void)table.say(1, 1, 1);
    CHECK_FALSE(table.members.all_in_step());
    (void)table.say(1, 1, 2, 0, true);
    CHECK(table.members.all_in_step());
    SECTION("who has left may come back with what it holds") {
        MessageHeader farewell;
        farewell.node = 1;
        farewell.session = 1;
        farewell.number = 3;
        farewell.is_in_step = farewell.leaves = true;
        (void)table.members.hear(own_stream, table.now_ms, farewell, {});
        CHECK(table.members.live_others() == 0);
        CHECK_FALSE(table.members.all_in_step());
    }
    SECTION("who is taken in anew, too") {
        table.now_ms += 3001;
        (void)table.say(0, 1, 1);
        table.now_ms += 3001;
        (void)table.say(0, 1, 2);
        REQUIRE(table.members.grant_claim(0));
        CHECK_FALSE(table.members.all_in_step());
    }
    table.pass(timeout_ms + 1000, 0);
    CHECK(table.members.all_in_step());
}

TEST_CASE("a claim stands if nobody else was in step of late, and then its maker is") {
    Table table;
    (void)table.say(1, 1, 1);
    (void)table.say(2, 1, 1, 0, true);
    CHECK_FALSE(table.members.grant_claim(1));
    table.now_ms += 1000;
    (void)table.say(3, 1, 1);
    table.now_ms += 2000;
    (void)table.say(3, 1, 2);
    CHECK_FALSE(table.members.grant_claim(1));
    table.now_ms += 1;
    (void)table.say(1, 1, 2);
    CHECK(table.members.grant_claim(1));
    CHECK(table.members[1].is_in_step);
    CHECK_FALSE(table.members.grant_claim(3));
}

TEST_CASE("with a claim that stands all others are taken in anew, whoever had heard of them") {
    Table table;
    (void)table.say(2, 1, 1);
    table.now_ms += 3001;
    (void)table.say(1, 1, 1);
    REQUIRE(table.members.grant_claim(1));
    CHECK_FALSE(table.members.is_live(2));
    CHECK(table.say(1, 1, 2) == MemberTable::Hearing::taken);
    CHECK(table.say(2, 1, 1) == MemberTable::Hearing::is_late);
    CHECK(table.say(2, 1, 2) == MemberTable::Hearing::was_forgotten);
    CHECK(table.say(2, 1, 3) == MemberTable::Hearing::taken);
}

TEST_CASE("a node's own claim stands when it has listened for as long as those in step may rest") {
    Table table;
    (void)table.say(0, 1, 1);
    table.now_ms += 3000;
    (void)table.say(0, 1, 2);
    CHECK_FALSE(table.members.grant_claim(0));
    table.now_ms += 1;
    (void)table.say(0, 1, 3);
    CHECK(table.members.grant_claim(0));
    // Where it begins to listen anew, it knows of nobody again.
    table.members.forget(own_stream);
    (void)table.say(0, 1, 4);
    CHECK_FALSE(table.members.grant_claim(0));
}

TEST_CASE("a node is heard until it has been silent for a moment, or its site has") {
    Table table;
    (void)table.say(1, 1, 1);
    table.pass(3000, 2);
    CHECK(table.members.is_heard(1, 0));
    CHECK_FALSE(table.members.is_heard(1, 1U << own_stream));
    table.pass(1000, 2);
    CHECK_FALSE(table.members.is_heard(1, 0));
    CHECK(table.members.is_live(1));
    CHECK_FALSE(table.members.is_heard(3, 0));
}
