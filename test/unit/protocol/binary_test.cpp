#include "lib/endian.hpp"
#include "protocol/binary/binary_answer.hpp"
#include "test/unit/protocol/test_service.hpp"

#include <catch2/catch.hpp>

#include <string>
#include <vector>

namespace twincached::protocol::test {

namespace {

template <class Number>
std::string big(Number number) {
    std::string bytes(sizeof number, '\0');
    lib::store_big(bytes.data(), number);
    return bytes;
}

struct Packet {
    std::uint8_t opcode = 0;
    std::string key;
    std::string extras;
    std::string value;
    std::uint64_t cas = 0;
    BinaryStatus status = BinaryStatus::ok;

    std::string bytes() const {
        std::string text;
        text += static_cast<char>(binary_request_magic);
        text += static_cast<char>(opcode);
        text += big(static_cast<std::uint16_t>(key.size()));
        text += static_cast<char>(extras.size());
        text += std::string(3, '\0');
        text += big(static_cast<std::uint32_t>(key.size() + extras.size() + value.size()));
        text += "opaq";
        text += big(cas);
        return text + extras + key + value;
    }
};

enum Opcode : std::uint8_t {
    op_get,
    op_set,
    op_add,
    op_replace,
    op_delete,
    op_incr,
    op_decr,
    op_quit,
    op_flush,
    op_getq,
    op_noop,
    op_version,
    op_getk,
    op_getkq,
    op_append,
    op_prepend,
    op_stat,
    op_setq,
    op_addq,
    op_touch = 0x1c,
    op_gat = 0x1d,
    op_gatkq = 0x24,
};

std::string send(Opcode opcode, std::string key = "", std::string extras = "",
                 std::string value = "", std::uint64_t cas = 0) {
    return Packet{opcode, std::move(key), std::move(extras), std::move(value), cas, {}}.bytes();
}

std::string store(Opcode opcode, const std::string& key, const std::string& value,
                  std::uint64_t cas = 0) {
    return send(opcode, key, big(std::uint32_t{5}) + big(std::uint32_t{0}), value, cas);
}

std::string count(Opcode opcode, const std::string& key, std::uint64_t delta, std::uint64_t initial,
                  std::uint32_t exptime) {
    return send(opcode, key, big(delta) + big(initial) + big(exptime));
}

std::vector<Packet> packets_of(std::string_view bytes) {
    std::vector<Packet> packets;
    while (!bytes.empty()) {
        REQUIRE(bytes.size() >= binary_header_size);
        CHECK(static_cast<unsigned char>(bytes[0]) == binary_answer_magic);
        CHECK(bytes.substr(12, 4) == "opaq");
        Packet packet;
        packet.opcode = static_cast<std::uint8_t>(bytes[1]);
        const auto key = lib::load_big<std::uint16_t>(bytes.data() + 2);
        const auto extras = static_cast<std::uint8_t>(bytes[4]);
        packet.status = static_cast<BinaryStatus>(lib::load_big<std::uint16_t>(bytes.data() + 6));
        const auto body = lib::load_big<std::uint32_t>(bytes.data() + 8);
        packet.cas = lib::load_big<std::uint64_t>(bytes.data() + 16);
        bytes.remove_prefix(binary_header_size);
        REQUIRE(bytes.size() >= body);
        packet.extras = bytes.substr(0, extras);
        packet.key = bytes.substr(extras, key);
        packet.value = bytes.substr(extras + std::size_t{key}, body - extras - key);
        bytes.remove_prefix(body);
        packets.push_back(std::move(packet));
    }
    return packets;
}

struct Server {
    TestService service;
    std::vector<Packet> ask(const std::string& request, std::size_t piece = SIZE_MAX) {
        Client client(service);
        auto packets = packets_of(client.say(request, piece));
        closed = client.closed;
        return packets;
    }
    Packet ask_one(const std::string& request) {
        const auto packets = ask(request);
        REQUIRE(packets.size() == 1);
        return packets.front();
    }
    bool closed = false;
};

constexpr std::uint32_t never_create = 0xFFFFFFFF;

}  // namespace

TEST_CASE("a binary get returns flags, value and CAS, and its key if asked") {
    Server server;
    const auto stored = server.ask_one(store(op_set, "a", "123"));
    CHECK(stored.cas != 0);
    const auto plain = server.ask_one(send(op_get, "a"));
    CHECK(plain.extras == big(std::uint32_t{5}));
    CHECK(plain.value == "123");
    CHECK(plain.cas == stored.cas);
    CHECK(plain.key.empty());
    CHECK(server.ask_one(send(op_getk, "a")).key == "a");
    CHECK(server.ask_one(send(op_get, "x")).value == "Not found");
    const auto missed = server.ask_one(send(op_getk, "x"));
    CHECK(missed.status == BinaryStatus::not_found);
    CHECK(missed.key == "x");
    CHECK(missed.value.empty());
}

TEST_CASE("quiet requests are silent when they succeed or miss") {
    Server server;
    const auto packets =
        server.ask(store(op_setq, "a", "1") + send(op_getq, "x") + send(op_getkq, "x") +
                   send(op_getkq, "a") + store(op_addq, "a", "2") + send(op_noop));
    REQUIRE(packets.size() == 3);
    CHECK(packets[0].key == "a");
    CHECK(packets[1].status == BinaryStatus::exists);
    CHECK(packets[2].opcode == op_noop);
}

TEST_CASE("binary writes tell by their status why nothing was stored") {
    Server server;
    server.ask(store(op_set, "a", "123"));
    CHECK(server.ask_one(store(op_add, "a", "x")).value == "Data exists for key.");
    CHECK(server.ask_one(store(op_replace, "q", "x")).value == "Not found");
    CHECK(server.ask_one(send(op_append, "q", "", "x")).value == "Not stored.");
    CHECK(server.ask_one(send(op_prepend, "a", "", "<")).status == BinaryStatus::ok);
    CHECK(server.ask_one(send(op_append, "a", "", ">")).status == BinaryStatus::ok);
    CHECK(server.ask_one(send(op_get, "a")).value == "<123>");
}

TEST_CASE("a binary flush is refused where flush_all is, and takes nothing") {
    for (const auto opcode : {op_flush, static_cast<Opcode>(0x18)}) {
        Server server;
        server.service.settings_to_change().flush_enabled = false;
        server.ask(store(op_set, "a", "1"));
        const auto refused = server.ask_one(send(opcode));
        CHECK(refused.status == BinaryStatus::authentication);
        CHECK(server.ask_one(send(op_get, "a")).value == "1");
        server.service.settings_to_change().flush_enabled = true;
        server.ask(send(opcode));
        CHECK(server.ask_one(send(op_get, "a")).status == BinaryStatus::not_found);
    }
}

TEST_CASE("a CAS unique in the header is compared whatever the verb") {
    Server server;
    const auto cas = server.ask_one(store(op_set, "a", "1")).cas;
    CHECK(server.ask_one(store(op_set, "a", "2", 99999)).status == BinaryStatus::exists);
    CHECK(server.ask_one(store(op_replace, "a", "2", 99999)).status == BinaryStatus::exists);
    CHECK(server.ask_one(store(op_set, "q", "2", 7)).status == BinaryStatus::not_found);
    CHECK(server.ask_one(store(op_add, "q", "2", 7)).status == BinaryStatus::not_found);
    CHECK(server.ask_one(send(op_delete, "a", "", "", 99999)).status == BinaryStatus::exists);
    CHECK(server.ask_one(store(op_set, "a", "2", cas)).status == BinaryStatus::ok);
    CHECK(server.ask_one(send(op_delete, "a")).status == BinaryStatus::ok);
    CHECK(server.ask_one(send(op_delete, "a")).status == BinaryStatus::not_found);
}

TEST_CASE("binary arithmetic creates with its initial value unless it is told not to") {
    Server server;
    CHECK(server.ask_one(count(op_incr, "n", 1, 9, 0)).value == big(std::uint64_t{9}));
    CHECK(server.ask_one(count(op_incr, "n", 1, 9, 0)).value == big(std::uint64_t{10}));
    CHECK(server.ask_one(count(op_decr, "n", 100, 9, 0)).value == big(std::uint64_t{0}));
    CHECK(server.ask_one(count(op_incr, "q", 1, 9, never_create)).value == "Not found");
    server.ask(store(op_set, "s", "abc"));
    CHECK(server.ask_one(count(op_incr, "s", 1, 0, 0)).value ==
          "Non-numeric server-side value for incr or decr");
}

TEST_CASE("a binary touch returns the flags, and a get-and-touch the value too") {
    Server server;
    server.ask(store(op_set, "a", "1"));
    const auto zero = big(std::uint32_t{0});
    const auto touched = server.ask_one(send(op_touch, "a", zero));
    CHECK(touched.extras == big(std::uint32_t{5}));
    CHECK(touched.value.empty());
    CHECK(server.ask_one(send(op_gat, "a", zero)).value == "1");
    CHECK(server.ask(send(op_gatkq, "x", zero)).empty());
    CHECK(server.ask_one(send(op_touch, "x", zero)).status == BinaryStatus::not_found);
}

TEST_CASE("flush, version, stat and quit work in the binary protocol") {
    Server server;
    server.ask(store(op_set, "a", "1"));
    CHECK(server.ask_one(send(op_flush, "", big(std::uint32_t{0}))).status == BinaryStatus::ok);
    CHECK(server.ask_one(send(op_get, "a")).status == BinaryStatus::not_found);
    CHECK(server.ask_one(send(op_version)).value == "1.6.45");
    const auto stats = server.ask(send(op_stat));
    CHECK(stats.front().key == "pid");
    CHECK(stats.back().key.empty());
    CHECK(stats.back().value.empty());
    CHECK(server.ask_one(send(op_stat, "bogus")).status == BinaryStatus::not_found);
    CHECK(server.ask(send(op_stat, "settings")).size() == 2);
    CHECK(server.ask(send(op_quit) + send(op_noop)).size() == 1);
    CHECK(server.closed);
}

TEST_CASE("an unknown opcode is refused and its body is swallowed") {
    Server server;
    const auto packets =
        server.ask(Packet{0x99, "k", "ext", "value", 0, {}}.bytes() + send(op_noop));
    REQUIRE(packets.size() == 2);
    CHECK(packets[0].value == "Unknown command");
    CHECK(packets[1].opcode == op_noop);
}

TEST_CASE("a malformed packet is answered once and then closed") {
    Server server;
    const std::string long_key(251, 'k');
    const std::string noop = send(op_noop);
    for (const auto& bad : {send(op_get), send(op_get, "k", "1234"), send(op_set, "k", "", "v"),
                            send(op_delete, "k", "", "v"), send(op_noop, "k"),
                            send(op_get, long_key), store(op_set, long_key, "v")}) {
        const auto packets = server.ask(bad + noop);
        REQUIRE(packets.size() == 1);
        CHECK(packets[0].value == "Invalid arguments");
        CHECK(server.closed);
    }
}

TEST_CASE("lengths that contradict each other close the connection") {
    Server server;
    auto packet = send(op_get, "key");
    packet[11] = 1;  // a body shorter than its key
    const auto answers = server.ask(packet + send(op_noop));
    REQUIRE(answers.size() == 1);
    CHECK(answers[0].value == "Unknown command");
    CHECK(server.closed);
}

TEST_CASE("a value that is too large for a packet is swallowed, and the old one is gone") {
    Server server;
    const std::string value(1'048'577, 'v');
    const auto packets = server.ask(
        store(op_set, "a", "old") + store(op_set, "a", value) + send(op_get, "a") + send(op_noop),
        50'000);
    REQUIRE(packets.size() == 4);
    CHECK(packets[1].value == "Too large.");
    CHECK(packets[2].status == BinaryStatus::not_found);
}

TEST_CASE("an add whose value is too large for a packet leaves what is there") {
    Server server;
    const std::string value(1'048'577, 'v');
    const auto packets = server.ask(
        store(op_set, "a", "old") + store(op_add, "a", value) + send(op_get, "a") + send(op_noop),
        50'000);
    REQUIRE(packets.size() == 4);
    CHECK(packets[1].value == "Too large.");
    CHECK(packets[2].value == "old");
}

TEST_CASE("binary answers do not depend on how the input is split") {
    const std::string large(100'000, 'L');
    const std::string request =
        store(op_set, "a", "123") + send(op_get, "a") + store(op_set, "big", large) +
        send(op_getk, "big") + send(op_append, "big", "", large) + send(op_get, "big") +
        count(op_incr, "n", 1, 5, 0) + store(op_setq, "e", "") + send(op_get, "e") + send(op_noop);
    TestService whole;
    const auto expected = Client(whole).say(request);
    for (const std::size_t piece : {1U, 5U, 23U, 24U, 25U, 60'000U}) {
        TestService service;
        INFO(piece);
        CHECK((Client(service).say(request, piece) == expected));
    }
}

TEST_CASE("the option -B decides which protocols are spoken") {
    TestService service;
    service.settings_to_change().dialects = Dialects::ascii;
    CHECK(Client(service).say("\x80\r\n") == "CLIENT_ERROR bad command line format\r\n");
    service.settings_to_change().dialects = Dialects::binary;
    Client client(service);
    CHECK(client.say("version\r\n").empty());
    CHECK(client.closed);
}

}  // namespace twincached::protocol::test
