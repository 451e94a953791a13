// What an exchange makes of frames that no honest peer sends, and of several shards.
#include "replication/pair/exchange/walk.hpp"
#include "replication/records/data_frames.hpp"
#include "storage/size_classes.hpp"
#include "test/support/forged_frame.hpp"
#include "test/unit/replication/exchange_pair.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <span>
#include <string>
#include <vector>

namespace twincached::replication::pair {

namespace {

// Whether the exchange goes on after a frame of that kind, the first of its session.
bool takes(ExchangePair& pair, FrameType type, std::uint64_t seq, std::string_view payload) {
    const auto bytes = test::forged_frame(type, seq, payload);
    const auto read = read_frame(bytes);
    REQUIRE(read.status == FrameStatus::complete);
    return pair.a.exchange.on_frame(read.frame, pair.now);
}

}  // namespace

TEST_CASE("without a session there is nothing to send, whatever has changed") {
    ExchangePair pair;
    pair.set(pair.a, "k", "v");
    CHECK_FALSE(pair.a.exchange.wants_to_send());
    pair.link();
    CHECK(pair.a.exchange.wants_to_send());
    pair.come_to_rest();
    CHECK_FALSE(pair.a.exchange.wants_to_send());
}

TEST_CASE("what the peer acknowledges is taken off the log of the shard that it belongs to") {
    const ExchangeSetup several{.shards = 4};
    ExchangePair pair(several, several);
    pair.link();
    pair.come_to_rest();
    for (int i = 0; i < 200; ++i)
        pair.set(pair.a, "key" + std::to_string(i), "value");
    CHECK(pair.a.stats().unacked == 200);
    pair.come_to_rest();
    CHECK(pair.a.stats().unacked == 0);
    CHECK(pair.a.stats().dirty_buckets == 0);
    for (int i = 0; i < 200; ++i)
        CHECK(pair.get(pair.b, "key" + std::to_string(i)) == "value");
}

TEST_CASE("a wish for buckets that is no list of numbers ends the session") {
    ExchangePair pair;
    pair.link();
    CHECK(takes(pair, FrameType::digest, 0, std::string(2, '\0')));
    CHECK_FALSE(takes(pair, FrameType::digest, 0, std::string(3, '\0')));
}

TEST_CASE(
    "a value in pieces that is small enough for one ends the session, or begins in the middle") {
    const std::string value(1000, 'v');
    for (const std::uint64_t offset : {std::uint64_t{0}, std::uint64_t{1000}}) {
        ExchangePair pair;
        pair.link();
        Segment segment;
        segment.record.version = storage::Version{pair.now.version_ms} << 23;
        segment.record.key = "k";
        segment.record.value = value;
        segment.offset = offset;
        segment.total = offset == 0 ? 1000 : 1U << 20;
        lib::ByteBuffer bytes;
        write_frame(bytes, 1, segment);
        const auto read = read_frame(bytes.readable());
        REQUIRE(read.status == FrameStatus::complete);
        CHECK_FALSE(pair.a.exchange.on_frame(read.frame, pair.now));
    }
}

TEST_CASE("digests that nobody takes the denials of are read for a whole round, and no further") {
    ExchangePair pair;
    pair.link();
    // Of buckets that are empty here: each is denied, and nothing of it is told meanwhile.
    std::vector<BucketDigest> digests(digests_limit, BucketDigest{.floor = 0, .digest = 1});
    std::uint64_t seq = 0;
    const auto takes_digests = [&](std::size_t count) {
        lib::ByteBuffer bytes;
        write_digests(bytes, {FrameType::digest, ++seq, 0}, std::span(digests).first(count));
        return pair.a.exchange.on_frame(read_frame(bytes.readable()).frame, pair.now);
    };
    for (std::size_t told = 0; told < storage::bucket_count; told += digests_limit)
        REQUIRE(takes_digests(digests_limit));
    CHECK(takes_digests(1));
    CHECK_FALSE(takes_digests(1));
}

TEST_CASE("a node has caught up with fewer than 1,024 changes to tell") {
    ExchangePair pair;
    pair.link();
    pair.come_to_rest();
    for (int i = 0; i < 1023; ++i)
        pair.set(pair.a, std::to_string(i), "v");
    CHECK(pair.a.exchange.caught_up(Exchange::entries_in_passing));
    pair.set(pair.a, "one more", "v");
    CHECK_FALSE(pair.a.exchange.caught_up(Exchange::entries_in_passing));
}

TEST_CASE("a drain waits for what was told and not heard, and for what was heard and not said so") {
    ExchangePair pair;
    pair.link();
    pair.come_to_rest();
    REQUIRE(pair.a.exchange.drained());
    pair.a.store.flush(pair.now);
    CHECK(pair.a.exchange.wants_to_send());
    CHECK_FALSE(pair.a.exchange.drained());
    pair.speak(pair.a);
    CHECK_FALSE(pair.a.exchange.wants_to_send());
    CHECK_FALSE(pair.a.exchange.drained());
    pair.deliver(pair.a, pair.b);
    CHECK_FALSE(pair.b.exchange.drained());
    pair.speak(pair.b);
    CHECK(pair.b.exchange.drained());
    pair.deliver(pair.b, pair.a);
    CHECK(pair.a.exchange.drained());
}

TEST_CASE("an acknowledgement of what was never sent ends the session") {
    ExchangePair pair;
    pair.link();
    pair.speak(pair.a);
    std::uint64_t last = 0;
    for (auto rest = pair.a.out.readable(); !rest.empty();) {
        const auto read = read_frame(rest);
        last = std::max(last, read.frame.seq);
        rest.remove_prefix(read.size);
    }
    REQUIRE(last > 0);
    const auto takes_ack = [&](std::uint64_t seq) {
        lib::ByteBuffer bytes;
        write_frame(bytes, Ack{seq, 0, {}});
        return pair.a.exchange.on_frame(read_frame(bytes.readable()).frame, pair.now);
    };
    CHECK_FALSE(takes_ack(last + 1));
    CHECK(takes_ack(last - 1));
    CHECK(takes_ack(last));
    CHECK_FALSE(takes_ack(last - 1));
}

TEST_CASE("R11: what was told by digests or lists and not acknowledged is to be told again") {
    ExchangePair pair;
    pair.link();
    pair.speak(pair.a);
    REQUIRE(pair.a.stats().dirty_buckets == 0);
    REQUIRE(pair.a.stats().walking_buckets == storage::bucket_count);
    pair.cut();
    CHECK(pair.a.stats().dirty_buckets == storage::bucket_count);
    CHECK(pair.a.stats().walking_buckets == 0);
}

TEST_CASE("R16: 64 dirty buckets beside each other are told by digests, fewer by lists") {
    for (const std::uint64_t run : {63U, 64U, 65U}) {
        ExchangePair pair;
        pair.link();
        pair.come_to_rest();
        const auto before = pair.a.stats();
        for (std::uint64_t i = 0; i < run; ++i)
            pair.a.sink.shard(0).buckets.mark_dirty(static_cast<storage::BucketNumber>(100 + i));
        pair.a.sink.refresh(0);
        pair.speak(pair.a);
        INFO("a run of " << run);
        const auto after = pair.a.stats();
        const auto digests =
            after[ExchangeCounter::digests_sent] - before[ExchangeCounter::digests_sent];
        const auto lists = after[ExchangeCounter::lists_sent] - before[ExchangeCounter::lists_sent];
        CHECK(digests == (run < 64 ? 0 : run));
        CHECK(lists == (run < 64 ? run : 0));
    }
}

TEST_CASE("a value exactly at the peer's item limit is sent, and one byte more is not") {
    const std::string value(2000, 'v');
    const auto accounted = storage::accounted_bytes(3, value.size(), 0);
    for (const int off : {-1, 0, 1}) {
        ExchangePair pair;
        pair.link(protocol_newest, accounted + static_cast<std::uint64_t>(off));
        pair.set(pair.a, "key", value);
        pair.come_to_rest();
        INFO("a limit " << off << " above");
        CHECK(pair.get(pair.b, "key") == (off < 0 ? "(miss)" : value));
    }
}

TEST_CASE("a touch is told with a value of up to 1,024 bytes, and without a larger one") {
    for (const std::size_t size : {1023U, 1024U, 1025U}) {
        ExchangePair pair;
        pair.link();
        pair.come_to_rest();
        pair.set(pair.a, "key", std::string(size, 'v'));
        pair.come_to_rest();
        const auto before = pair.a.stats()[ExchangeCounter::bytes_sent];
        pair.a.store.touch(pair.a.store.key("key"), pair.now, pair.in(100));
        pair.speak(pair.a);
        INFO(size << " bytes");
        CHECK((pair.a.stats()[ExchangeCounter::bytes_sent] - before > size) == (size <= 1024));
    }
}

TEST_CASE("a resync's pace saves up no more than a tenth of a second's worth") {
    constexpr std::uint64_t rate = 10'000;
    SyncPace pace(rate);
    REQUIRE(pace.allows(1'000'000));  // a long time after its last
    pace.spend(rate / 10);
    CHECK(pace.allows(1'000'000));
    pace.spend(1);
    CHECK_FALSE(pace.allows(1'000'000));
    CHECK(pace.allows(1'000'001));
    pace.spend(10 * rate);
    CHECK_FALSE(pace.allows(1'009'000));
    SyncPace unlimited(0);
    unlimited.spend(std::uint64_t{1} << 40);
    CHECK(unlimited.allows(0));
}

}  // namespace twincached::replication::pair
