// The slow comparison of two nodes (scrub), on two real exchanges: what differs by a fault is found
// and mended, what one node alone has evicted is counted and left alone, and what is on its way is
// not judged.
#include "replication/records/data_frames.hpp"
#include "test/unit/replication/exchange_pair.hpp"

#include <catch2/catch.hpp>

#include <array>
#include <string>
#include <utility>
#include <vector>

using namespace twincached;
using namespace twincached::replication;
using namespace twincached::replication::pair;

namespace {

constexpr std::uint64_t round_ms = 2000;
constexpr auto tick_ms = static_cast<std::uint64_t>(Exchange::tick.count());

// Node a compares, node b answers.
struct Pair : ExchangePair {
    explicit Pair(std::uint64_t interval_ms = round_ms, std::uint16_t protocol = protocol_newest)
        : ExchangePair({.scrub_interval_ms = interval_ms}) {
        link(protocol);
        come_to_rest();
    }
    // The rest of a's round, and what follows from it.
    void finish_round() {
        const auto rounds = a.stats()[ExchangeCounter::scrub_rounds];
        for (int tick = 0; a.stats()[ExchangeCounter::scrub_rounds] == rounds; ++tick) {
            REQUIRE(tick < 1000);
            pass(tick_ms);
            come_to_rest();
        }
    }
    void scrub() {
        finish_round();
        finish_round();
    }
    // A fault: a newer value on one node that the other will never hear of.
    void smuggle(ExchangeNode& node, std::string_view key, std::string_view value) {
        storage::Record record;
        record.key = node.store.key(key);
        record.version = version_of(node, key) + (std::uint64_t{1} << 20);
        record.value = value;
        REQUIRE(node.store.apply(record, now) == storage::ApplyOutcome::applied);
    }
};

}  // namespace

TEST_CASE("a round compares every bucket and finds nothing on two nodes in step") {
    Pair pair;
    for (int i = 0; i < 500; ++i)
        pair.set(i % 2 == 0 ? pair.a : pair.b, "key" + std::to_string(i), "value");
    pair.come_to_rest();
    pair.finish_round();
    const auto told = pair.a.stats()[ExchangeCounter::scrub_told];
    const auto compared = pair.b.stats()[ExchangeCounter::scrub_compared];
    pair.finish_round();
    CHECK(pair.a.stats()[ExchangeCounter::scrub_told] - told == storage::bucket_count);
    CHECK(pair.b.stats()[ExchangeCounter::scrub_compared] - compared == storage::bucket_count);
    CHECK(pair.b.stats()[ExchangeCounter::scrub_differing] == 0);
    CHECK(pair.b.stats()[ExchangeCounter::scrub_defects] == 0);
}

TEST_CASE("a round takes its interval, however often it is looked at") {
    Pair pair(60'000);
    const auto began = pair.now.steady_ms;
    while (pair.a.stats()[ExchangeCounter::scrub_rounds] == 0) {
        pair.pass(7);
        pair.come_to_rest();
    }
    const auto took = pair.now.steady_ms - began;
    CHECK(took >= 60'000);
    CHECK(took < 70'000);
}

TEST_CASE("versions that differ by a fault are counted and mended, whichever node is behind") {
    const bool a_is_ahead = GENERATE(true, false);
    Pair pair;
    pair.set(pair.a, "key", "old");
    pair.set(pair.b, "other", "same");
    pair.come_to_rest();
    pair.smuggle(a_is_ahead ? pair.a : pair.b, "key", "new");
    pair.come_to_rest();
    REQUIRE(pair.get(pair.a, "key") != pair.get(pair.b, "key"));
    pair.scrub();
    CHECK(pair.get(pair.a, "key") == "new");
    CHECK(pair.get(pair.b, "key") == "new");
    CHECK(pair.b.stats()[ExchangeCounter::scrub_defects] == 1);
    CHECK(pair.b.exchange.scrub_defects() == 1);
    pair.scrub();
    CHECK(pair.b.stats()[ExchangeCounter::scrub_differing] == 1);
}

TEST_CASE("what one node alone has lost is counted, and not sent again") {
    const bool a_lost = GENERATE(true, false);
    Pair pair;
    pair.set(pair.a, "key", "value");
    auto& loser = a_lost ? pair.a : pair.b;
    pair.finish_round();
    pair.lose(loser, "key");
    pair.finish_round();
    CHECK(pair.b.stats()[ExchangeCounter::scrub_one_sided] == 1);
    CHECK(pair.b.stats()[ExchangeCounter::scrub_defects] == 0);
    CHECK(pair.get(loser, "key") == "(miss)");
}

TEST_CASE("a change that is on its way, in either direction, is no difference") {
    const bool by_a = GENERATE(true, false);
    Pair pair;
    pair.set(pair.a, "key", "value");
    pair.come_to_rest();
    // Whatever is told between the change and its acknowledgement.
    pair.set(by_a ? pair.a : pair.b, "key", "changed");
    pair.pass(round_ms);
    std::array<ExchangeNode*, 2> nodes{&pair.a, &pair.b};
    if (by_a) std::swap(nodes[0], nodes[1]);
    for (int turn = 0; turn < 200; ++turn) {
        // One half of the link stands still, then the other.
        pair.pass(tick_ms);
        pair.speak(*nodes[0]);
        pair.deliver(*nodes[0], *nodes[1]);
        if (turn % 3 != 2) continue;
        pair.speak(*nodes[1]);
        pair.deliver(*nodes[1], *nodes[0]);
    }
    pair.come_to_rest();
    pair.scrub();
    CHECK(pair.b.stats()[ExchangeCounter::scrub_differing] == 0);
    CHECK(pair.get(pair.a, "key") == "changed");
    CHECK(pair.get(pair.b, "key") == "changed");
}

TEST_CASE("a node whose peer speaks the first version, or that is told not to, says nothing") {
    Pair old_peer(round_ms, 1);
    Pair never(0);
    for (auto* pair : {&old_peer, &never}) {
        for (int i = 0; i < 300; ++i) {
            pair->pass(tick_ms);
            pair->come_to_rest();
        }
        CHECK(pair->a.stats()[ExchangeCounter::scrub_told] == 0);
    }
}

TEST_CASE(
    "a list that is asked for is told of a bucket at rest, not while a change is on its way") {
    Pair pair;
    const auto bucket = storage::bucket_of(pair.a.store.key("key").hash);
    const auto ask = [&] {
        lib::ByteBuffer wish;
        write_bucket_requests(wish, FrameType::scrub_want, std::array{bucket});
        REQUIRE(pair.a.exchange.on_frame(read_frame(wish.readable()).frame, pair.now));
        pair.speak(pair.a);
    };
    // How many items each list of the scrub names, in the order of the lists.
    const auto lists_told = [&] {
        std::vector<std::size_t> lists;
        for (auto rest = pair.a.out.readable(); !rest.empty();) {
            const auto read = read_frame(rest);
            if (read.frame.type == FrameType::scrub_list)
                lists.push_back(ListReader(read.frame.payload).size());
            rest.remove_prefix(read.size);
        }
        return lists;
    };
    pair.set(pair.a, "key", "value");
    ask();
    CHECK(lists_told().empty());
    pair.come_to_rest();
    ask();
    CHECK(lists_told() == std::vector<std::size_t>{1});
}

TEST_CASE("no more than 4,096 buckets are asked for, or listed, at a time") {
    Pair pair;
    const auto limit = std::size_t{4096};
    std::vector<storage::BucketNumber> wishes(limit + 1);
    for (std::size_t i = 0; i < wishes.size(); ++i)
        wishes[i] = static_cast<storage::BucketNumber>(i);
    lib::ByteBuffer bytes;
    write_bucket_requests(bytes, FrameType::scrub_want, wishes);
    REQUIRE(pair.a.exchange.on_frame(read_frame(bytes.readable()).frame, pair.now));
    pair.speak(pair.a);
    // Digests that fit to nothing here.
    for (storage::BucketNumber first = 0; first < limit + 1024; first += 1024) {
        const std::vector<BucketDigest> wrong(1024, BucketDigest{.floor = 0, .digest = 1});
        lib::ByteBuffer digests;
        write_digests(digests, {FrameType::scrub, 0, first}, wrong);
        REQUIRE(pair.a.exchange.on_frame(read_frame(digests.readable()).frame, pair.now));
    }
    CHECK(pair.a.exchange.wants_to_send());
    pair.speak(pair.a);
    std::size_t lists = 0;
    std::size_t wanted = 0;
    for (auto rest = pair.a.out.readable(); !rest.empty();) {
        const auto read = read_frame(rest);
        if (read.frame.type == FrameType::scrub_list) ++lists;
        if (read.frame.type == FrameType::scrub_want)
            wanted += BucketRequestReader(read.frame.payload).size();
        rest.remove_prefix(read.size);
    }
    CHECK(lists == limit);
    CHECK(wanted == limit);
}

TEST_CASE("a scrub that makes no sense ends the session") {
    Pair pair;
    lib::ByteBuffer out;
    const auto shape = GENERATE(0, 1, 2);
    if (shape == 0) write_list(out, {FrameType::scrub_list, 3, 7, 0}, {});
    if (shape == 1) {
        const std::array items{BucketItem{~std::uint64_t{0}, 5}};
        write_list(out, {FrameType::scrub_list, 0, 7, 0}, items);
    }
    if (shape == 2) {
        FrameWriter frame(out, FrameType::scrub);
        out.append("short");
        frame.finish();
    }
    CHECK_FALSE(pair.b.exchange.on_frame(read_frame(out.readable()).frame, pair.now));
}
