// What an exchange makes of frames that no honest peer sends, and of several shards.
#include "replication/records/data_frames.hpp"
#include "test/support/forged_frame.hpp"
#include "test/unit/replication/exchange_pair.hpp"

#include <catch2/catch.hpp>

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

}  // namespace twincached::replication::pair
