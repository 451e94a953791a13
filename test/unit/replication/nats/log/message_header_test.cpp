#include "replication/nats/log/message_header.hpp"

#include <catch2/catch.hpp>

#include <string>

using namespace twincached;
using namespace twincached::replication::nats;

namespace {

MessageHeader header() {
    MessageHeader header;
    header.is_ready = true;
    header.claims = true;
    header.node = 3;
    header.hash_check = 11;
    header.incarnation = 12;
    header.session = 13;
    header.number = 14;
    header.stream_count = 2;
    header.disbelieved = 5;
    header.streams[0] = {tag_of("MC_a"), 1'000, 15};
    header.streams[1] = {tag_of("MC_b"), -1, 16};
    return header;
}

std::string written(const MessageHeader& header, std::string_view frames) {
    lib::ByteBuffer out;
    write_header(out, header);
    out.append(frames);
    return std::string(out.readable());
}

}  // namespace

TEST_CASE("a message's header comes back as it was written, and the frames behind it") {
    const auto bytes = written(header(), "frames");
    const auto read = read_message(bytes);
    REQUIRE(read);
    CHECK(read->frames == "frames");
    CHECK(read->header.is_ready);
    CHECK_FALSE(read->header.is_in_step);
    CHECK(read->header.claims);
    CHECK_FALSE(read->header.leaves);
    CHECK(read->header.node == 3);
    CHECK(read->header.hash_check == 11);
    CHECK(read->header.incarnation == 12);
    CHECK(read->header.session == 13);
    CHECK(read->header.number == 14);
    CHECK(read->header.stream_count == 2);
    CHECK(read->header.disbelieved == 5);
    CHECK(read->header.streams[0].tag == tag_of("MC_a"));
    CHECK(read->header.streams[1].created == -1);
    CHECK(read->header.streams[1].consumed == 16);
}

TEST_CASE("a header that is cut, or damaged anywhere, is no header") {
    const auto bytes = written(header(), "");
    REQUIRE(bytes.size() <= message_header_limit);
    for (std::size_t size = 0; size < bytes.size(); ++size)
        CHECK_FALSE(read_message(std::string_view(bytes).substr(0, size)));
    // Behind the checksum there are four bytes without a meaning.
    for (std::size_t i = 0; i + 4 < bytes.size(); ++i) {
        auto damaged = bytes;
        damaged[i] = static_cast<char>(damaged[i] ^ 4);
        CHECK_FALSE(read_message(damaged));
    }
}

TEST_CASE("a node above the fourth, and more streams than there can be, are refused") {
    auto fifth = header();
    fifth.node = 4;
    CHECK_FALSE(read_message(written(fifth, "")));
    fifth.node = 3;
    CHECK(read_message(written(fifth, "")));
}
