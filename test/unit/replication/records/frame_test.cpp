#include "replication/records/frame.hpp"

#include "lib/random.hpp"
#include "replication/pair/link/control_frames.hpp"
#include "replication/records/data_frames.hpp"

#include <catch2/catch.hpp>

#include <array>
#include <cstdlib>
#include <string>
#include <vector>

using namespace twincached;
using namespace twincached::replication;
using namespace twincached::replication::pair;

namespace {

std::string bytes_of(const lib::ByteBuffer& buffer) {
    return std::string(buffer.readable());
}

Frame only_frame(const std::string& bytes) {
    const auto read = read_frame(bytes);
    REQUIRE(read.status == FrameStatus::complete);
    REQUIRE(read.size == bytes.size());
    return read.frame;
}

std::string one_batch() {
    lib::ByteBuffer out;
    BatchWriter batch(out, 7, 3, 1234);
    WireRecord record;
    record.key = "key";
    record.value = "value";
    record.version = 99;
    record.client_flags = 5;
    record.expiry_ms = 77;
    record.explicit_cas = 42;
    record.stale = true;
    batch.add(record);
    WireRecord removal;
    removal.kind = RecordKind::removal;
    removal.key = "gone";
    removal.version = 100;
    batch.add(removal);
    batch.finish();
    return bytes_of(out);
}

// Every decoder, whatever the type says.
unsigned accepted(std::string_view payload) {
    unsigned count = 0;
    count += read_challenge(payload).has_value();
    count += read_proof(payload).has_value();
    count += read_hello(payload, protocol_oldest).has_value();
    count += read_hello(payload, protocol_newest).has_value();
    count += read_ping(payload).has_value();
    count += read_pong(payload).has_value();
    count += read_state(payload).has_value();
    count += read_bye(payload).has_value();
    count += read_error(payload).has_value();
    count += read_segment(payload).has_value();
    count += read_flush(payload).has_value();
    count += read_schedule(payload).has_value();
    count += ListReader(payload).valid();
    count += DigestReader(payload).valid();
    count += AckReader(payload).valid();
    count += HintReader(payload).valid();
    BatchReader batch(payload);
    WireRecord record;
    while (batch.next(record)) {
        CHECK(record.key.size() <= storage::key_size_limit);
    }
    count += batch.complete();
    return count;
}

}  // namespace

TEST_CASE("a frame is whole only with its last byte, at every split") {
    const auto bytes = one_batch();
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        const auto read = read_frame(std::string_view(bytes).substr(0, size));
        CHECK(read.status == FrameStatus::need_more);
        CHECK(read.size > size);
    }
    CHECK(only_frame(bytes).seq == 7);
}

TEST_CASE("a frame with any bit changed is malformed, or another length is waited for") {
    const auto bytes = one_batch();
    for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
        auto damaged = bytes;
        damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
        CHECK(read_frame(damaged).status != FrameStatus::complete);
    }
}

TEST_CASE("a payload above the limit is refused before it has arrived") {
    lib::ByteBuffer out;
    write_frame(out, Challenge{.cluster = std::string(200, 'c')});
    const auto header = std::string_view(out.readable()).substr(0, frame_header_size);
    CHECK(read_frame(header, 100).status == FrameStatus::malformed);
    CHECK(read_frame(header, frame_payload_limit_unproven).status == FrameStatus::need_more);
}

TEST_CASE("a batch gives back the records that it was given, in order") {
    const auto bytes = one_batch();
    BatchReader batch(only_frame(bytes).payload);
    CHECK(batch.sender_now_ms() == 1234);
    WireRecord record;
    REQUIRE(batch.next(record));
    CHECK(record.kind == RecordKind::item);
    CHECK(record.key == "key");
    CHECK(record.value == "value");
    CHECK(record.version == 99);
    CHECK(record.client_flags == 5);
    CHECK(record.expiry_ms == 77);
    CHECK(record.explicit_cas == 42);
    CHECK((record.stale && !record.cold && !record.binary_key));
    REQUIRE(batch.next(record));
    CHECK(record.kind == RecordKind::removal);
    CHECK(record.key == "gone");
    CHECK_FALSE(batch.next(record));
    CHECK(batch.complete());
}

TEST_CASE("what a later version adds to a HELLO is passed over, but not in the first version") {
    for (const auto protocol : {protocol_oldest, protocol_newest}) {
        lib::ByteBuffer out;
        Hello hello;
        hello.protocol = protocol;
        write_frame(out, hello);
        const auto longer = std::string(only_frame(bytes_of(out)).payload) + "more";
        CHECK(read_hello(longer, protocol).has_value() == (protocol >= 2));
    }
}

TEST_CASE("a payload that was cut anywhere is refused") {
    lib::ByteBuffer out;
    Hello hello;
    hello.epoch = 11;
    hello.past.heard_acked = 12;
    hello.software_version = "1.2.3";
    hello.settings = "ack=async";
    hello.protocol = GENERATE(protocol_oldest, protocol_newest);
    write_frame(out, hello);
    const std::string whole(only_frame(bytes_of(out)).payload);
    const auto read = read_hello(whole, hello.protocol);
    REQUIRE(read);
    CHECK(read->past.heard_acked == 12);
    CHECK(read->software_version == "1.2.3");
    CHECK(read->settings == (hello.protocol == protocol_oldest ? "" : "ack=async"));
    for (std::size_t size = 0; size < whole.size(); ++size) {
        CHECK_FALSE(read_hello(std::string_view(whole).substr(0, size), hello.protocol));
    }
    const auto batch = one_batch();
    const auto payload = only_frame(batch).payload;
    for (std::size_t size = 0; size < payload.size(); ++size) {
        BatchReader reader(payload.substr(0, size));
        WireRecord record;
        while (reader.next(record)) {
        }
        CHECK_FALSE(reader.complete());
    }
}

TEST_CASE("lists, acknowledgements and segments give back what they were given") {
    lib::ByteBuffer list;
    const std::array<BucketItem, 2> items{{{0x1234000000000001, 5}, {0x1234000000000002, 6}}};
    write_list(list, {FrameType::list, 1, 0x1234, 9}, items);
    const auto list_bytes = bytes_of(list);
    const ListReader read_list(only_frame(list_bytes).payload);
    REQUIRE(read_list.valid());
    CHECK(read_list.bucket() == 0x1234);
    CHECK(read_list.floor() == 9);
    CHECK(read_list.size() == 2);
    CHECK(read_list[1].version == 6);

    lib::ByteBuffer removed;
    write_removed(removed, 1, items);
    const auto removed_bytes = bytes_of(removed);
    const auto removed_payload = only_frame(removed_bytes).payload;
    const RemovedReader read_removed(removed_payload);
    REQUIRE(read_removed.valid());
    CHECK(read_removed.size() == 2);
    CHECK(read_removed[1].hash == 0x1234000000000002);
    CHECK(read_removed[1].version == 6);
    CHECK_FALSE(RemovedReader(removed_payload.substr(1)).valid());

    lib::ByteBuffer ack;
    const std::vector<std::uint64_t> wants{1, 2, 3};
    write_frame(ack, Ack{17, 4, wants});
    const auto ack_bytes = bytes_of(ack);
    const AckReader read_ack(only_frame(ack_bytes).payload);
    REQUIRE(read_ack.valid());
    CHECK(read_ack.seq() == 17);
    CHECK(read_ack.not_stored() == 4);
    CHECK(read_ack[2] == 3);

    lib::ByteBuffer piece;
    Segment segment;
    segment.offset = 100;
    segment.total = 200;
    segment.record.key = "k";
    segment.record.version = 1;
    segment.record.value = "abc";
    write_frame(piece, 2, segment);
    const auto piece_bytes = bytes_of(piece);
    const auto read = read_segment(only_frame(piece_bytes).payload);
    REQUIRE(read);
    CHECK(read->offset == 100);
    CHECK(read->total == 200);
    CHECK(read->record.value == "abc");
}

TEST_CASE("digests give back what they were given, empty ones at the cost of a bit") {
    std::vector<BucketDigest> digests(1000);
    digests[7] = {0, 5};
    digests[8] = {9, 0};
    digests[999] = {3, 4};
    lib::ByteBuffer out;
    write_digests(out, {FrameType::digest, 1, 0x4000}, digests);
    const auto bytes = bytes_of(out);
    CHECK(bytes.size() == frame_header_size + 4 + 125 + 3 * 16);
    DigestReader read(only_frame(bytes).payload);
    REQUIRE(read.valid());
    CHECK(read.first() == 0x4000);
    REQUIRE(read.size() == digests.size());
    for (const auto& digest : digests) {
        const auto next = read.next();
        CHECK(next.floor == digest.floor);
        CHECK(next.digest == digest.digest);
    }
    const std::array<storage::BucketNumber, 2> asked{1, 0xFFFF};
    lib::ByteBuffer answer;
    write_bucket_requests(answer, FrameType::digest, asked);
    const auto answer_bytes = bytes_of(answer);
    const BucketRequestReader requests(only_frame(answer_bytes).payload);
    REQUIRE(requests.valid());
    REQUIRE(requests.size() == 2);
    CHECK(requests[1] == 0xFFFF);
}

TEST_CASE("no bytes make a decoder read beyond them") {
    const char* text = std::getenv("FRAME_SEED");
    const auto seed = text == nullptr ? 1 : std::strtoull(text, nullptr, 10);
    INFO("FRAME_SEED=" << seed);
    lib::Random random(seed);
    unsigned total = 0;
    for (int i = 0; i < 20000; ++i) {
        // A copy of its own, so that the address sanitizer sees any overrun.
        std::vector<char> payload(random.below(120));
        for (auto& byte : payload) {
            byte = static_cast<char>(random.one_in(2) ? random.below(4) : random.next());
        }
        total += accepted({payload.data(), payload.size()});
    }
    CHECK(total > 0);
}
