// What two nodes can tell from each other's standing, without stores and without a link.
#include "replication/pair/exchange/acquaintance.hpp"

#include <catch2/catch.hpp>

#include <cstdint>

using namespace twincached::replication::pair;

namespace {

Standing standing_of(const Acquaintance& node) {
    Standing standing;
    node.introduce(standing);
    return standing;
}

// A session of the two: `frames` of each reach the other and are acknowledged.
void hold_session(Acquaintance& one, Acquaintance& other, std::uint64_t frames) {
    const auto of_one = standing_of(one);
    const auto of_other = standing_of(other);
    REQUIRE(one.judge(of_other) == Meeting::begin);
    REQUIRE(other.judge(of_one) == Meeting::begin);
    (void)one.begin(of_other, 1);
    (void)other.begin(of_one, 1);
    for (auto* node : {&one, &other}) {
        node->note_sent(frames);
        for (std::uint64_t i = 0; i < frames; ++i)
            node->note_applied();
        node->note_acknowledged(frames);
    }
    one.end(1);
    other.end(1);
}

}  // namespace

TEST_CASE("two nodes that have met in any number of sessions may meet again") {
    Acquaintance a(11, 0);
    Acquaintance b(22, 1);
    for (std::uint64_t frames = 0; frames < 5; ++frames)
        hold_session(a, b, frames);
    CHECK(a.judge(standing_of(b)) == Meeting::begin);
    CHECK(b.judge(standing_of(a)) == Meeting::begin);
}

TEST_CASE("a node that was put back begins anew, and its peer waits for that") {
    Acquaintance a(11, 0);
    Acquaintance b(22, 1);
    hold_session(a, b, 3);
    const Acquaintance snapshot = a;
    hold_session(a, b, 2);
    CHECK(snapshot.judge(standing_of(b)) == Meeting::begin_anew);
    CHECK(b.judge(standing_of(snapshot)) == Meeting::let_go_anew);
}

TEST_CASE("a node that has begun anew is another incarnation, and nobody doubts it") {
    Acquaintance a(11, 0);
    Acquaintance b(22, 1);
    hold_session(a, b, 3);
    a.forget(33);
    CHECK(a.judge(standing_of(b)) == Meeting::begin);
    REQUIRE(b.judge(standing_of(a)) == Meeting::begin);
    CHECK(b.begin(standing_of(a), 1) == Encounter::fresh);
}

TEST_CASE("an incarnation that was left for another is known again as a former one") {
    Acquaintance a(11, 0);
    Acquaintance b(22, 1);
    hold_session(a, b, 1);
    Acquaintance successor(33, 0);
    hold_session(successor, b, 1);
    Acquaintance stranger_to_b(11, 0);
    CHECK(b.begin(standing_of(stranger_to_b), 1) == Encounter::former);
}

TEST_CASE("a node that has begun anew knows no former peers") {
    Acquaintance b(22, 1);
    for (const std::uint64_t epoch : {11U, 33U}) {
        Acquaintance a(epoch, 0);
        hold_session(a, b, 1);
    }
    b.forget(44);
    Acquaintance back(11, 0);
    CHECK(b.judge(standing_of(back)) == Meeting::begin);
    CHECK(b.begin(standing_of(back), 1) == Encounter::fresh);
}

TEST_CASE("what came back from a restart is served without the peer only by the last to serve") {
    for (const bool alone : {true, false}) {
        Acquaintance before(11, 0);
        Acquaintance peer(22, 1);
        hold_session(before, peer, 1);
        Acquaintance after(99, 0);
        REQUIRE(after.recall(before.remember(alone)));
        CHECK(after.epoch() == 11);
        CHECK(after.is_unconfirmed());
        CHECK(after.needs_peers_word() == !alone);
    }
}

TEST_CASE(
    "a memory file makes an undecided node the one that wrote it, and one of nobody's is taken") {
    constexpr unsigned undecided = 2;
    const Acquaintance b(22, 1);
    Acquaintance later(33, undecided);
    REQUIRE(later.recall(b.remember(true)));
    CHECK(later.node() == 1);
    Acquaintance a(11, 0);
    CHECK_FALSE(a.recall(b.remember(true)));
    CHECK(a.recall(Acquaintance(44, undecided).remember(true)));
    CHECK(a.node() == 0);
}
