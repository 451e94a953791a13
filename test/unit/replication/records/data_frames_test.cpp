// The payloads that a peer sends, at their limits: what is just inside is read, what is just
// outside is refused, field by field.
#include "replication/records/data_frames.hpp"

#include <catch2/catch.hpp>

#include <functional>
#include <string>
#include <vector>

using namespace twincached;
using namespace twincached::replication;

namespace {

// Little-endian, as everything on the link.
template <class Number>
std::string bytes(Number number) {
    std::string text(sizeof number, '\0');
    lib::store_little(text.data(), number);
    return text;
}

// A record's fields, so that a test can spoil one of them.
struct RawRecord {
    std::uint8_t kind = 1;
    std::uint8_t flags = 0;
    std::uint16_t key_length = 3;
    std::uint32_t value_length = 5;
    std::uint64_t version = 9;
    std::uint16_t reserved = 0;
    std::string key = "key";
    std::string value = "value";

    std::string text() const {
        return bytes(kind) + bytes(flags) + bytes(key_length) + bytes(value_length) +
               bytes(version) + bytes(std::uint32_t{0}) + bytes(std::uint64_t{0}) +
               bytes(reserved) + key + value;
    }
};

bool is_read(const RawRecord& raw) {
    const auto payload =
        bytes(std::uint16_t{0}) + bytes(std::uint16_t{1}) + bytes(std::uint64_t{77}) + raw.text();
    BatchReader reader(payload);
    WireRecord record;
    const bool any = reader.next(record);
    return any && reader.complete();
}

bool is_read_if(const std::function<void(RawRecord&)>& change) {
    RawRecord raw;
    change(raw);
    return is_read(raw);
}

bool segment_is_read(std::uint64_t offset, std::uint32_t total, std::size_t piece,
                     std::uint8_t kind = 1) {
    RawRecord raw;
    raw.kind = kind;
    raw.value_length = total;
    raw.value.assign(piece, 'x');
    const auto payload = bytes(std::uint64_t{77}) + bytes(offset) + raw.text();
    return read_segment(payload).has_value();
}

bool digests_are_read(unsigned first, unsigned count, std::size_t set_bits, std::size_t entries) {
    std::string bits((count + 7) / 8, '\0');
    for (std::size_t i = 0; i < set_bits; ++i)
        bits[i / 8] = static_cast<char>(bits[i / 8] | (1 << (i % 8)));
    return DigestReader(bytes(static_cast<std::uint16_t>(first)) +
                        bytes(static_cast<std::uint16_t>(count)) + bits +
                        std::string(entries * 16, 'd'))
        .valid();
}

}  // namespace

TEST_CASE("a record is read whose fields are in their ranges, and no other") {
    CHECK(is_read(RawRecord{}));
    for (const unsigned kind : {0U, 4U, 255U}) {
        INFO("kind " << kind);
        CHECK_FALSE(is_read_if([&](RawRecord& raw) {
            raw.kind = static_cast<std::uint8_t>(kind);
            raw.value_length = 0;
            raw.value.clear();
        }));
    }
    for (const unsigned kind : {2U, 3U}) {
        INFO("kind " << kind);
        const auto with = [&](const std::string& value) {
            return [=](RawRecord& raw) {
                raw.kind = static_cast<std::uint8_t>(kind);
                raw.value = value;
                raw.value_length = static_cast<std::uint32_t>(value.size());
            };
        };
        CHECK(is_read_if(with("")));
        CHECK_FALSE(is_read_if(with("v")));  // a delete and a touch have no value
    }
    CHECK_FALSE(is_read_if([](RawRecord& raw) { raw.version = 0; }));
    CHECK(is_read_if([](RawRecord& raw) { raw.version = 1; }));
    CHECK_FALSE(is_read_if([](RawRecord& raw) { raw.reserved = 1; }));
    CHECK(is_read_if([](RawRecord& raw) { raw.flags = 1 + 2 + 8; }));
    CHECK_FALSE(is_read_if([](RawRecord& raw) { raw.flags = 16; }));
    CHECK_FALSE(is_read_if([](RawRecord& raw) { raw.flags = 128; }));
    // An explicit CAS that is announced and is not there takes eight bytes of the key.
    CHECK_FALSE(is_read_if([](RawRecord& raw) { raw.flags = 4; }));
}

TEST_CASE("a record's key has 1 to 250 bytes, and its lengths are those of the payload") {
    const auto key_of = [](std::size_t size) {
        return [size](RawRecord& raw) {
            raw.key.assign(size, 'k');
            raw.key_length = static_cast<std::uint16_t>(size);
        };
    };
    CHECK_FALSE(is_read_if(key_of(0)));
    CHECK(is_read_if(key_of(1)));
    CHECK(is_read_if(key_of(storage::key_size_limit)));
    CHECK_FALSE(is_read_if(key_of(storage::key_size_limit + 1)));
    for (const int off : {-1, 1}) {
        CHECK_FALSE(is_read_if(
            [&](RawRecord& raw) { raw.value_length += static_cast<std::uint32_t>(off); }));
    }
    CHECK_FALSE(is_read_if([](RawRecord& raw) { raw.value_length = ~std::uint32_t{0}; }));
}

TEST_CASE("a segment lies in its value: the last byte may be in it, one more may not") {
    CHECK(segment_is_read(0, 10, 10));
    CHECK(segment_is_read(4, 10, 6));
    CHECK_FALSE(segment_is_read(4, 10, 7));
    CHECK_FALSE(segment_is_read(0, 10, 11));
    CHECK(segment_is_read(9, 10, 1));
    CHECK_FALSE(segment_is_read(10, 10, 1));
    CHECK_FALSE(segment_is_read(11, 10, 1));
    CHECK_FALSE(segment_is_read(~std::uint64_t{0}, 10, 1));
    CHECK_FALSE(segment_is_read(0, 10, 0));    // nothing is no piece
    CHECK_FALSE(segment_is_read(0, 0, 0));     // and no value comes in pieces of nothing
    CHECK_FALSE(segment_is_read(0, 3, 3, 2));  // of what is no item there is no piece
}

TEST_CASE("digests are of buckets that there are, at least one and as many as a frame has") {
    CHECK(digests_are_read(0, 1, 0, 0));
    CHECK_FALSE(digests_are_read(0, 0, 0, 0));
    CHECK(digests_are_read(storage::bucket_count - 1, 1, 0, 0));
    CHECK_FALSE(digests_are_read(storage::bucket_count - 1, 2, 0, 0));
    CHECK(digests_are_read(storage::bucket_count - 100, 100, 0, 0));
    CHECK_FALSE(digests_are_read(storage::bucket_count - 100, 101, 0, 0));
    CHECK(digests_are_read(0, digests_limit, 0, 0));
    CHECK_FALSE(digests_are_read(0, digests_limit + 1, 0, 0));
    CHECK(digests_are_read(7, 20, 3, 3));
    CHECK_FALSE(digests_are_read(7, 20, 3, 2));
    CHECK_FALSE(digests_are_read(7, 20, 3, 4));
    // A bit behind the last bucket is an entry that belongs to none.
    CHECK_FALSE(digests_are_read(7, 20, 21, 20));
    CHECK_FALSE(digests_are_read(7, 20, 24, 20));
}

TEST_CASE("a list, an acknowledgement and requests have as many entries as they say") {
    const auto list = [](std::uint32_t count, std::size_t size) {
        return ListReader(bytes(std::uint16_t{7}) + bytes(std::uint64_t{0}) + bytes(count) +
                          std::string(size, 'x'))
            .valid();
    };
    CHECK(list(0, 0));
    CHECK(list(2, 32));
    CHECK_FALSE(list(2, 31));
    CHECK_FALSE(list(2, 33));
    CHECK_FALSE(list(1, 32));
    CHECK_FALSE(list(~std::uint32_t{0}, 0));
    const auto ack = [](std::uint32_t count, std::size_t size) {
        return AckReader(bytes(std::uint64_t{1}) + bytes(std::uint32_t{0}) + bytes(count) +
                         std::string(size, 'x'))
            .valid();
    };
    CHECK(ack(0, 0));
    CHECK(ack(3, 24));
    CHECK_FALSE(ack(3, 23));
    CHECK_FALSE(ack(3, 25));
    CHECK_FALSE(ack(~std::uint32_t{0}, 8));
    CHECK(BucketRequestReader(std::string(4, 'x')).valid());
    CHECK_FALSE(BucketRequestReader(std::string(3, 'x')).valid());
}

TEST_CASE("a batch is full when it has the bytes of one, not when it has all that it can count") {
    lib::ByteBuffer out;
    BatchWriter batch(out, 1, 0, 77);
    const std::string value(1000, 'v');
    WireRecord record;
    record.key = "key";
    record.value = value;
    record.version = 1;
    while (!batch.is_full()) {
        REQUIRE(batch.size() < batch_size_target);
        batch.add(record);
    }
    CHECK(batch.size() >= batch_size_target);
    CHECK(batch.count() == 1 + batch_size_target / (record_header_size + 3 + value.size()));
}
