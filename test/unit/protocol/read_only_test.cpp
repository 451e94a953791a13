// A node that may only be read (on-split = secondary-readonly): what changes is refused in every
// dialect, before it touches anything, and the conversation goes on.
#include "test/unit/protocol/test_service.hpp"

#include "lib/endian.hpp"
#include "protocol/binary/binary_request.hpp"

#include <catch2/catch.hpp>

#include <string>

namespace twincached::protocol::test {

namespace {

const std::string refusal = "SERVER_ERROR read only, the other node is out of sight\r\n";

struct ReadOnly {
    TestService service;
    Client client{service};
    ReadOnly() {
        client.say("set k 0 0 1\r\nv\r\nset n 0 0 1\r\n5\r\n");
        service.shared().read_only = true;
    }
};

std::string packet(unsigned opcode, std::size_t extras, std::string_view key,
                   std::string_view value) {
    std::string bytes(binary_header_size, '\0');
    bytes[0] = static_cast<char>(binary_request_magic);
    bytes[1] = static_cast<char>(opcode);
    lib::store_big(bytes.data() + 2, static_cast<std::uint16_t>(key.size()));
    bytes[4] = static_cast<char>(extras);
    lib::store_big(bytes.data() + 8,
                   static_cast<std::uint32_t>(extras + key.size() + value.size()));
    return bytes.append(extras, '\0').append(key).append(value);
}

}  // namespace

TEST_CASE("a node that is read only refuses every change of the text protocol and no read") {
    const auto change =
        GENERATE(as<std::string>{}, "set k 0 0 1\r\nx\r\n", "add new 0 0 1\r\nx\r\n",
                 "replace k 0 0 1\r\nx\r\n", "append k 0 0 1\r\nx\r\n", "prepend k 0 0 1\r\nx\r\n",
                 "cas k 0 0 1 1\r\nx\r\n", "delete k\r\n", "incr n 1\r\n", "decr n 1\r\n",
                 "touch k 9\r\n", "gat 9 k\r\n", "gats 9 k\r\n", "flush_all\r\n", "ms k 1\r\nx\r\n",
                 "md k\r\n", "ma n\r\n", "mg k v T9\r\n", "mg new v N9\r\n");
    ReadOnly node;
    CHECK(node.client.say(change) == refusal);
    CHECK(node.client.say("get k n new\r\n") == "VALUE k 0 1\r\nv\r\nVALUE n 0 1\r\n5\r\nEND\r\n");
    CHECK(node.client.say("mg k v\r\n") == "VA 1\r\nv\r\n");
}

TEST_CASE("a refused value, however large, is not taken for commands") {
    ReadOnly node;
    const std::string value = "delete k\r\n" + std::string(300'000, 'x');
    const auto line = "set k 0 0 " + std::to_string(value.size()) + "\r\n" + value + "\r\n";
    CHECK(node.client.say(line + "get k\r\n", 1000) == refusal + "VALUE k 0 1\r\nv\r\nEND\r\n");
}

TEST_CASE("a refused change that asks for no answer gets none and changes nothing") {
    ReadOnly node;
    CHECK(node.client.say("set k 0 0 1 noreply\r\nx\r\ndelete n noreply\r\nget k\r\n") ==
          "VALUE k 0 1\r\nv\r\nEND\r\n");
}

TEST_CASE("a node that is read only refuses every change of the binary protocol and no read") {
    struct Change {
        unsigned opcode;
        std::size_t extras;
        std::string_view value;
    };
    const auto change = GENERATE(Change{0x01, 8, "x"}, Change{0x02, 8, "x"}, Change{0x03, 8, "x"},
                                 Change{0x0e, 0, "x"}, Change{0x0f, 0, "x"}, Change{0x04, 0, ""},
                                 Change{0x05, 20, ""}, Change{0x06, 20, ""}, Change{0x1c, 4, ""},
                                 Change{0x1d, 4, ""}, Change{0x11, 8, "x"}, Change{0x14, 0, ""});
    ReadOnly node;
    Client client(node.service);
    const auto answer = client.say(packet(change.opcode, change.extras, "k", change.value));
    REQUIRE(answer.size() >= binary_header_size);
    CHECK(lib::load_big<std::uint16_t>(answer.data() + 6) == 0x86);
    CHECK(client.say(packet(0x00, 0, "k", "")).ends_with("v"));
}

TEST_CASE("a node that is no longer read only takes changes again") {
    ReadOnly node;
    node.service.shared().read_only = false;
    CHECK(node.client.say("set k 0 0 1\r\nx\r\n") == "STORED\r\n");
}

}  // namespace twincached::protocol::test
