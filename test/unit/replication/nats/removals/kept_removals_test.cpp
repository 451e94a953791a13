#include "replication/nats/removals/kept_removals.hpp"

#include <catch2/catch.hpp>

#include <vector>

using namespace twincached;
using namespace twincached::replication::nats;

namespace {

constexpr std::uint64_t hash_in(storage::BucketNumber bucket, std::uint64_t rest) {
    return std::uint64_t{bucket} << 48 | rest;
}
constexpr LogPlace at(Sequence sequence) {
    return {own_stream, sequence};
}
// Of the shard that has the buckets 100 to 199.
KeptRemovals room_for(std::size_t limit) {
    return {100, 100, limit};
}

}  // namespace

TEST_CASE("a removal is known until its place is passed") {
    auto kept = room_for(8);
    kept.note(hash_in(100, 1), 50, at(7));
    CHECK(kept.known(hash_in(100, 1), true) == 50);
    CHECK(kept.known(hash_in(100, 2), false) == 0);
    kept.forget([](LogPlace place) { return place.sequence < 7; });
    CHECK(kept.known(hash_in(100, 1), true) == 50);
    kept.forget([](LogPlace place) { return place.sequence <= 7; });
    CHECK(kept.known(hash_in(100, 1), false) == 0);
    CHECK(kept.size() == 0);
}

TEST_CASE(
    "of two removals of a key the newer one is kept, for as long as its own place is not passed") {
    auto kept = room_for(8);
    kept.note(hash_in(100, 1), 50, at(7));
    kept.note(hash_in(100, 1), 60, at(9));
    kept.note(hash_in(100, 1), 55, at(10));
    kept.forget([](LogPlace place) { return place.sequence <= 8; });
    CHECK(kept.exact(hash_in(100, 1)) == 60);
    kept.forget([](LogPlace place) { return place.sequence <= 9; });
    CHECK(kept.exact(hash_in(100, 1)) == 0);
}

TEST_CASE("a removal for which there is no room raises the floor of its bucket") {
    auto kept = room_for(2);
    for (std::uint64_t i = 1; i <= 3; ++i)
        kept.note(hash_in(100, i), 50 + i, at(i));
    CHECK(kept.size() == 2);
    CHECK(kept.folded_gauge() == 1);
    CHECK(kept.known(hash_in(100, 9), false) == 51);
    CHECK(kept.known(hash_in(100, 9), true) == 0);
    CHECK(kept.known(hash_in(101, 9), false) == 0);
    CHECK(kept.removed_in(100) == 51);
    CHECK(kept.removed_meanwhile(100) == 51);
}

TEST_CASE("floors are forgotten after two turns, and what ever left is not") {
    auto kept = room_for(2);
    kept.raise_floor(150, 70);
    kept.turn();
    CHECK(kept.known(hash_in(150, 1), false) == 70);
    kept.turn();
    CHECK(kept.known(hash_in(150, 1), false) == 0);
    CHECK(kept.ever(150) == 70);
    kept.raise_removed(150, 80);
    CHECK(kept.removed_in(150) == 80);
    CHECK(kept.removed_meanwhile(150) == 80);
    kept.turn();
    kept.turn();
    CHECK(kept.removed_in(150) == 0);
    CHECK(kept.ever(150) == 80);
}

TEST_CASE("what a donor gives is judged by key, and by what left its bucket since it was asked") {
    auto kept = room_for(2);
    kept.raise_floor(150, 60);
    kept.note(hash_in(150, 1), 70, at(1));
    kept.begin_comparing(150);
    CHECK(kept.known(hash_in(150, 9), false) == 60);
    CHECK(kept.known_beside_donor(hash_in(150, 9), false) == 0);
    CHECK(kept.known_beside_donor(hash_in(150, 1), false) == 70);
    kept.raise_evicted(150, 80);
    CHECK(kept.known_beside_donor(hash_in(150, 9), false) == 80);
    CHECK(kept.removed_meanwhile(150) == 0);
    kept.raise_removed(150, 90);
    CHECK(kept.known_beside_donor(hash_in(150, 9), false) == 90);
    CHECK(kept.removed_meanwhile(150) == 90);
    kept.begin_comparing(150);
    CHECK(kept.known_beside_donor(hash_in(150, 9), false) == 0);
}

TEST_CASE("what was only heard of a bucket counts as known when that has been compared") {
    auto kept = room_for(2);
    kept.raise_evicted(150, 10);
    kept.note_doubt(150, 50);
    kept.raise_floor(150, 50);
    CHECK(kept.ever(150) == 50);
    CHECK(kept.vouched(150) == 10);
    CHECK(kept.doubt(150) == 50);
    SECTION("compared") {
        kept.end_comparing(150);
        CHECK(kept.vouched(150) == 50);
        kept.raise_ever(150, 60);
        CHECK(kept.vouched(150) == 60);
        kept.note(hash_in(150, 1), 70, at(1));
        kept.lose_whole();
        kept.note(hash_in(150, 2), 90, at(2));
        kept.raise_ever(150, 80);
        CHECK(kept.vouched(150) == 60);
        kept.forget([](LogPlace) { return true; });
        CHECK(kept.ever(150) == 80);
        CHECK(kept.ever_heard(150) == 90);
        CHECK(kept.vouched(150) == 70);  // what was heard while it was whole
    }
    SECTION("the donor has gone") {
        kept.begin_alone_with(150);
        CHECK(kept.ever(150) == 10);
        CHECK(kept.floor(150) == 10);
        CHECK(kept.removed_in(150) == 10);
        CHECK(kept.is_whole(150));
    }
    CHECK(kept.doubt(150) == 0);
}

TEST_CASE("what is heard while one of two logs is behind the other is not vouched for") {
    auto kept = room_for(8);
    kept.end_comparing(150);
    kept.set_catching_up(true);
    kept.note(hash_in(150, 1), 20, at(1));
    kept.raise_ever(150, 30);
    CHECK(kept.ever(150) == 30);
    CHECK(kept.vouched(150) == 0);
    SECTION("but what leaves here is") {
        kept.raise_evicted(150, 40);
        CHECK(kept.vouched(150) == 40);
    }
    SECTION("nor afterwards, but what is heard then") {
        kept.set_catching_up(false);
        CHECK(kept.is_whole(150));
        CHECK(kept.vouched(150) == 0);
        kept.note(hash_in(150, 2), 40, at(2));
        CHECK(kept.vouched(150) == 0);
        kept.forget([](LogPlace place) { return place.sequence == 1; });
        kept.set_catching_up(true);
        kept.forget([](LogPlace) { return true; });
        CHECK(kept.vouched(150) == 40);
    }
}

TEST_CASE("what this node has removed itself is vouched for when its key is forgotten") {
    auto kept = room_for(8);
    CHECK(kept.note_own(hash_in(150, 1), 20, at(1)));
    CHECK(kept.vouched(150) == 0);
    SECTION("and so is what it has read of it first") {
        kept.note(hash_in(150, 2), 30, at(2));
        CHECK(kept.note_own(hash_in(150, 2), 30, at(2)));
        kept.forget([](LogPlace) { return true; });
        CHECK(kept.vouched(150) == 30);
    }
    SECTION("but not what another has removed") {
        kept.note(hash_in(150, 2), 30, at(2));
        kept.forget([](LogPlace) { return true; });
        CHECK(kept.vouched(150) == 20);
    }
}

TEST_CASE("versions that a wrong clock gave are corrected, and keep their order") {
    const auto at_ms = [](std::uint64_t ms) { return storage::Version{ms} << 23; };
    auto kept = room_for(8);
    kept.note(hash_in(150, 1), at_ms(40), at(1));
    kept.note(hash_in(150, 2), at_ms(1070), at(2));
    kept.raise_removed(150, at_ms(1080));
    kept.raise_evicted(150, at_ms(1090));
    kept.note_doubt(150, at_ms(1100));
    kept.correct({100, 1000});
    CHECK(kept.exact(hash_in(150, 1)) == at_ms(40));
    CHECK(kept.exact(hash_in(150, 2)) == at_ms(70));
    CHECK(kept.removed_in(150) == at_ms(80));
    CHECK(kept.floor(150) == at_ms(90));
    CHECK(kept.ever(150) == at_ms(90));
    CHECK(kept.vouched(150) == at_ms(90));
    CHECK(kept.removed_meanwhile(150) == at_ms(80));
    CHECK(kept.doubt(150) == at_ms(99));  // older than what is given from now on
}

TEST_CASE("what is kept can be told to another node, and floors as well") {
    auto kept = room_for(8);
    kept.note(hash_in(100, 1), 50, at(7));
    kept.note(hash_in(199, 2), 60, at(8));
    kept.raise_floor(120, 90);
    kept.raise_ever(120, 95);
    std::vector<storage::Version> versions;
    kept.visit(
        [&](std::uint64_t, storage::Version version, LogPlace) { versions.push_back(version); });
    CHECK(versions == std::vector<storage::Version>{50, 60});
    std::vector<storage::BucketNumber> told;
    const auto tell = [&](storage::BucketNumber bucket) { told.push_back(bucket); };
    kept.visit_floors(tell);
    CHECK(told == std::vector<storage::BucketNumber>{120});
    CHECK(kept.floor(120) == 90);
    CHECK(kept.ever(120) == 95);
    // What was only read of, and is forgotten.
    kept.forget([](LogPlace) { return true; });
    told.clear();
    kept.visit_floors(tell);
    CHECK(told == std::vector<storage::BucketNumber>{100, 120, 199});
}

TEST_CASE(
    "a removal that was only read of speaks of its bucket to those alone who may have missed it") {
    auto kept = room_for(8);
    const auto passed = [](LogPlace) { return true; };
    const bool is_whole = GENERATE(false, true);
    const bool becomes_whole = GENERATE(false, true);
    if (is_whole) kept.end_comparing(100);
    kept.note(hash_in(100, 1), 50, at(1));
    if (becomes_whole) kept.end_comparing(100);
    kept.forget(passed);
    CHECK(kept.ever(100) == (is_whole ? 50 : 0));
    CHECK(kept.vouched(100) == (is_whole ? 50 : 0));
    CHECK(kept.ever_heard(100) == 50);
}

TEST_CASE("a removal is to be told as long as it stands nowhere") {
    auto kept = room_for(8);
    kept.note(hash_in(100, 1), 50, at(1));
    CHECK_FALSE(kept.is_nowhere(hash_in(100, 1)));
    kept.move(hash_in(100, 1), nowhere_yet);
    CHECK(kept.is_nowhere(hash_in(100, 1)));
    CHECK_FALSE(kept.is_nowhere(hash_in(100, 2)));
    kept.move(hash_in(100, 1), at(2));
    CHECK_FALSE(kept.is_nowhere(hash_in(100, 1)));
}

TEST_CASE("when another log begins, nobody has passed what is kept before it is told there") {
    auto kept = room_for(8);
    const auto in_order = [](LogPlace place) { return place.sequence <= 1000; };
    kept.note(hash_in(100, 1), 50, at(1000));
    kept.note(hash_in(100, 2), 60, at(1001));
    kept.lose_places();
    kept.forget(in_order);
    CHECK(kept.size() == 2);
    kept.move(hash_in(100, 1), at(3));
    CHECK(kept.exact(hash_in(100, 1)) == 50);
    kept.move(hash_in(100, 9), at(3));  // none that is kept
    CHECK(kept.size() == 2);
    std::vector<LogPlace> places;
    kept.visit([&](std::uint64_t, storage::Version, LogPlace place) { places.push_back(place); });
    CHECK(places == std::vector<LogPlace>{nowhere_yet, at(3)});
    SECTION("the first is told first") {
        kept.move(hash_in(100, 2), at(4));
        kept.forget([](LogPlace place) { return place.sequence <= 3; });
        CHECK(kept.exact(hash_in(100, 1)) == 0);
        CHECK(kept.exact(hash_in(100, 2)) == 60);
    }
    SECTION("who is removed again meanwhile stands where that is told") {
        kept.note(hash_in(100, 2), 70, at(5));
        kept.forget([](LogPlace place) { return place.sequence <= 4; });
        CHECK(kept.exact(hash_in(100, 2)) == 70);
        CHECK(kept.size() == 1);
    }
}

TEST_CASE("what finds no room before it was told again is a doubt of its bucket, once") {
    auto kept = room_for(2);
    kept.note(hash_in(150, 1), 50, at(1));
    CHECK(kept.note_own(hash_in(150, 2), 60, nowhere_yet));
    kept.note(hash_in(151, 3), 70, at(3));
    CHECK(kept.take_untold(150) == 0);  // the first stands in the log
    kept.note(hash_in(151, 4), 80, at(4));
    kept.begin_comparing(150);
    CHECK(kept.known_beside_donor(hash_in(150, 9), false) == 60);
    CHECK(kept.take_untold(150) == 60);
    CHECK(kept.take_untold(150) == 0);
    CHECK(kept.known_beside_donor(hash_in(150, 9), false) == 0);
}
