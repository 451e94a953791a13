// What a glance at a pipeline sees. That a wrong one does no harm is in conversation_test.cpp.
#include "lib/endian.hpp"
#include "protocol/binary/binary_keys_ahead.hpp"
#include "protocol/binary/binary_request.hpp"
#include "protocol/text/text_keys_ahead.hpp"

#include <catch2/catch.hpp>

#include <array>
#include <string>
#include <string_view>
#include <vector>

using namespace twincached;
using namespace twincached::protocol;

namespace {

struct Glanced {
    std::vector<std::string> keys;
    std::size_t bytes = 0;
};

Glanced glance(std::string_view input, std::size_t room = 32, Glance by = text_keys_ahead) {
    std::vector<std::string_view> keys(room);
    const auto ahead = by(input, keys);
    return {{keys.begin(), keys.begin() + static_cast<std::ptrdiff_t>(ahead.count)}, ahead.bytes};
}

Glanced binary_glance(std::string_view input, std::size_t room = 32) {
    return glance(input, room, binary_keys_ahead);
}

std::string packet(std::string_view key, std::size_t extras = 0, std::string_view value = {}) {
    std::string bytes(binary_header_size, '\0');
    bytes[0] = static_cast<char>(binary_request_magic);
    lib::store_big(&bytes[2], static_cast<std::uint16_t>(key.size()));
    bytes[4] = static_cast<char>(extras);
    lib::store_big(&bytes[8], static_cast<std::uint32_t>(extras + key.size() + value.size()));
    return bytes.append(extras, '\0').append(key).append(value);
}

using Keys = std::vector<std::string>;

}  // namespace

TEST_CASE("a glance sees the first key of each request, whatever the verb") {
    const std::string input = "get a\r\nmg b v t\r\ngets c d\nincr e 1\r\ndelete f\r\n";
    CHECK(glance(input).keys == Keys{"a", "b", "c", "e", "f"});
    CHECK(glance(input).bytes == input.size());
}

TEST_CASE("a glance passes over values, also over one that has not come to its end") {
    const std::string whole = "set a 0 0 5\r\nget b\r\ncas c 1 2 3 4\r\nabc\r\nms d 2\r\nxy\r\n";
    const std::string input = whole + "append e 0 0 100\r\nabc";
    CHECK(glance(input).keys == Keys{"a", "c", "d", "e"});
    // A value may look like a request: "get b" is one of five bytes.
    CHECK(glance(whole).bytes == whole.size());
    CHECK(glance(input).bytes == whole.size() + 18 + 102);
}

TEST_CASE("a glance ends at a line that is not complete, or too long to be looked over") {
    CHECK(glance("get a\r\nget b").keys == Keys{"a"});
    CHECK(glance("get a\r\nget b").bytes == 7);
    const auto many = "get" + std::string(400, ' ') + "k\r\n";
    CHECK(glance("get a\r\n" + many + "get c\r\n").keys == Keys{"a"});
    CHECK(glance("").keys.empty());
}

TEST_CASE("a glance sees as many keys as there is room for") {
    CHECK(glance("get a\r\nget b\r\nget c\r\n", 2).keys == Keys{"a", "b"});
    CHECK(glance("get a\r\nget b\r\nget c\r\n", 2).bytes == 14);
}

TEST_CASE("what is no key, no length or no request decides nothing") {
    const std::string longest(250, 'k');
    CHECK(glance("get " + longest + "\r\n").keys == Keys{longest});
    CHECK(glance("get " + longest + "k\r\nget a\r\n").keys == Keys{"a"});
    CHECK(glance("set a 0 0 -1\r\nget b\r\n").keys == Keys{"a", "b"});
    CHECK(glance("\r\n\r\nget\r\nget a\r\n").keys == Keys{"a"});
}

TEST_CASE("a glance sees the key of each packet, behind extras and values") {
    const auto whole = packet("a") + packet("b", 8, "value") + packet("") + packet("c", 20);
    CHECK(binary_glance(whole).keys == Keys{"a", "b", "c"});
    CHECK(binary_glance(whole).bytes == whole.size());
    CHECK(binary_glance(whole, 2).keys == Keys{"a", "b"});
    // Of a value that is still to come it sees where it ends.
    const auto large = packet("d", 8, std::string(1000, 'v'));
    CHECK(binary_glance(whole + large.substr(0, 40)).keys == Keys{"a", "b", "c", "d"});
    CHECK(binary_glance(whole + large.substr(0, 40)).bytes == whole.size() + large.size());
}

TEST_CASE("a glance ends at what is no packet, or has not shown its key yet") {
    CHECK(binary_glance(packet("a") + "get b\r\n" + std::string(40, ' ')).keys == Keys{"a"});
    const auto second = packet("bcd", 8);
    for (std::size_t cut = 0; cut < second.size(); ++cut)
        CHECK(binary_glance(packet("a") + second.substr(0, cut)).keys == Keys{"a"});
    auto contradictory = packet("key");
    contradictory[3] = 100;
    CHECK(binary_glance(contradictory + std::string(100, 'x')).keys.empty());
    CHECK(binary_glance(packet(std::string(251, 'k')) + packet("a")).keys == Keys{"a"});
}
