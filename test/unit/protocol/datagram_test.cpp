#include "protocol/datagram.hpp"
#include "test/unit/protocol/test_service.hpp"

#include <catch2/catch.hpp>

#include <string>

namespace twincached::protocol::test {

namespace {

std::string framed(std::string_view text, DatagramHeader header = {7, 0, 1}) {
    const auto bytes = header.bytes();
    return std::string(bytes.begin(), bytes.end()) + std::string(text);
}

struct Server {
    // What is answered to a datagram; "dropped" if nothing is.
    std::string ask(std::string_view datagram) {
        lib::ByteBuffer answer;
        DatagramConversation conversation(service, service.counters, 9);
        const auto id = conversation.answer(datagram, some_time(), answer);
        if (!id) return "dropped";
        last_id = *id;
        return std::string(answer.readable());
    }

    TestService service;
    std::uint16_t last_id = 0;
};

}  // namespace

TEST_CASE("a datagram's header survives encoding and decoding, and is big-endian") {
    const DatagramHeader header{0x1234, 0x0001, 0xFFFE};
    const auto bytes = header.bytes();
    CHECK(std::string(bytes.begin(), bytes.end()) ==
          std::string("\x12\x34\x00\x01\xFF\xFE\0\0", 8));
    CHECK(DatagramHeader::parse({bytes.data(), bytes.size()}) == header);
    for (std::size_t size = 0; size < datagram_header_bytes; ++size)
        CHECK_FALSE(DatagramHeader::parse({bytes.data(), size}));
}

TEST_CASE("an answer of any size is cut into datagrams that hold all of it in order") {
    for (const std::size_t size :
         {std::size_t{0}, std::size_t{1}, datagram_payload_limit - 1, datagram_payload_limit,
          datagram_payload_limit + 1, 2 * datagram_payload_limit, answer_bytes_limit}) {
        CAPTURE(size);
        std::string answer;
        for (std::size_t i = 0; i < size; ++i)
            answer += static_cast<char>('a' + i % 26);
        const AnswerDatagrams datagrams(77, answer);
        CHECK(datagrams.count() == (size + datagram_payload_limit - 1) / datagram_payload_limit);
        std::string joined;
        for (std::uint16_t i = 0; i < datagrams.count(); ++i) {
            CHECK(datagrams.header(i) == DatagramHeader{77, i, datagrams.count()});
            CHECK(datagrams.payload(i).size() <= datagram_payload_limit);
            CHECK_FALSE(datagrams.payload(i).empty());
            joined += datagrams.payload(i);
        }
        CHECK(joined == answer);
    }
}

TEST_CASE("a request in one datagram is carried out and answered under its id") {
    Server server;
    CHECK(server.ask(framed("set k 5 0 3\r\nbar\r\n", {4242, 0, 1})) == "STORED\r\n");
    CHECK(server.last_id == 4242);
    CHECK(server.ask(framed("get k none\r\n")) == "VALUE k 5 3\r\nbar\r\nEND\r\n");
    CHECK(server.ask(framed("set k 0 0 1 noreply\r\nx\r\n")).empty());
    CHECK(server.ask(framed("mg k v\r\nversion\r\n")) == "VA 1\r\nx\r\nVERSION 1.6.45\r\n");
    const std::string binary_no_op("\x80\x0a\0\0\0\0\0\0\0\0\0\0\0\0\0\x05\0\0\0\0\0\0\0\0", 24);
    CHECK(server.ask(framed(binary_no_op)).size() == 24);
}

TEST_CASE("a request that is cut anywhere is dropped without harm") {
    Server server;
    const auto whole = framed("set k 0 0 20000\r\n" + std::string(20'000, 'v') + "\r\n");
    for (std::size_t size = 0; size < whole.size(); size += size < 64 ? 1 : 997) {
        const auto answer = server.ask(whole.substr(0, size));
        CHECK((answer.empty() || answer == "dropped"));
    }
    CHECK(server.ask(whole) == "STORED\r\n");
    CHECK(server.ask(framed("get k\r\n")).size() == 20'000 + 24);
}

TEST_CASE("a datagram that is a part of several is dropped, as part of an answer might be") {
    Server server;
    CHECK(server.ask(framed("get k\r\n", {1, 0, 2})) == "dropped");
    CHECK(server.ask(framed("get k\r\n", {1, 1, 1})) == "dropped");
    CHECK(server.ask(framed("get k\r\n", {1, 0, 0})) == "dropped");
    CHECK(server.ask(framed("")) == "dropped");
}

TEST_CASE("an answer that is too large for UDP is refused as a whole, however it came about") {
    Server server;
    Client client(server.service);
    const std::string value(50'000, 'v');
    client.say("set k 0 0 50000\r\n" + value + "\r\n");
    CHECK(server.ask(framed("get k\r\n")).size() == value.size() + 24);
    const std::string refusal = "SERVER_ERROR answer too large for UDP\r\n";
    CHECK(server.ask(framed("get k k\r\n")) == refusal);
    std::string many;
    for (int i = 0; i < 500; ++i)
        many += "get k k k k\r\n";
    CHECK(server.ask(framed(many)) == refusal);
    for (int i = 0; i < 3000; ++i)
        client.say("set key" + std::to_string(i) + " 0 0 1\r\nv\r\n");
    CHECK(server.ask(framed("lru_crawler metadump all\r\n")) == refusal);
}

TEST_CASE("nothing is answered to what is no command, and so not to any server's answer") {
    Server server;
    for (const std::string line : {"nonsense",
                                   "",
                                   "x",
                                   "ERROR",
                                   "CLIENT_ERROR bad command line format",
                                   "STORED",
                                   "END",
                                   "OK",
                                   "VALUE k 0 5",
                                   "42",
                                   "HD",
                                   "VA 3 kget",
                                   "EN",
                                   "MN",
                                   "NF",
                                   "VERSION 1.6.45",
                                   "SERVER_ERROR multi-packet request not supported",
                                   "STAT pid 1",
                                   "RESET",
                                   "Error TLS"}) {
        INFO(line);
        CHECK(server.ask(framed(line + "\r\n")).empty());
        // Nor to what stands behind it: a value may hold anything.
        CHECK(server.ask(framed(line + "\r\nversion\r\n")).empty());
        CHECK(server.ask(framed("mn\r\n" + line + "\r\nmn\r\n")) == "MN\r\n");
    }
    CHECK(server.ask(framed("get\r\n")) == "CLIENT_ERROR bad command line format\r\n");
    std::string packet("\x80\x0a\0\0\0\0\0\0\0\0\0\0\0\0\0\x05\0\0\0\0\0\0\0\0", 24);
    packet[1] = '\x60';
    CHECK(server.ask(framed(packet)).empty());
    packet[0] = '\x81';
    CHECK(server.ask(framed(packet)).empty());
}

TEST_CASE("a server that wants a login does not answer what is no command over UDP either") {
    Server server;
    server.service.settings_to_change().login_required = true;
    server.service.settings_to_change().sasl_required = true;
    const std::string refusal = "CLIENT_ERROR unauthenticated\r\n";
    CHECK(server.ask(framed("get k\r\n")) == refusal);
    CHECK(server.ask(framed(refusal)).empty());
    std::string packet("\x80\x60\0\0\0\0\0\0\0\0\0\0\0\0\0\x05\0\0\0\0\0\0\0\0", 24);
    CHECK(server.ask(framed(packet)).empty());
}

TEST_CASE("what would be suspended is refused over UDP, however little it has said") {
    Server server;
    Client client(server.service);
    for (int i = 0; i < 5000; ++i)
        client.say("set key" + std::to_string(i) + " 0 0 1\r\nv\r\n");
    const std::string refusal = "SERVER_ERROR answer too large for UDP\r\n";
    CHECK(server.ask(framed("stats cachedump 60 0\r\n")) == refusal);
    CHECK(server.ask(framed("lru_crawler mgdump all\r\n")) == refusal);
    // Many commands are not one that goes on for long.
    std::string many;
    for (int i = 0; i < 1000; ++i)
        many += "mn\r\n";
    CHECK(server.ask(framed(many)).size() == many.size());
}

TEST_CASE("a client of UDP cannot watch") {
    Server server;
    CHECK(server.ask(framed("watch\r\n")) == "ERROR\r\n");
}

TEST_CASE("what comes from a port of a service or of another cache is suspicious") {
    for (const int port : {0, 7, 19, 53, 123, 1023, 11211})
        CHECK(is_suspicious_port(static_cast<std::uint16_t>(port), 11211));
    for (const int port : {1024, 40'000, 65'535})
        CHECK_FALSE(is_suspicious_port(static_cast<std::uint16_t>(port), 11211));
}

}  // namespace twincached::protocol::test
