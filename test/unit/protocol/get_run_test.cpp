// Reads that come together are answered together; nobody may notice. A line that ends with a bare
// newline is in no run, so the same requests said so, one after the other, are what a run is held
// against.
#include "lib/endian.hpp"
#include "lib/random.hpp"
#include "protocol/binary/binary_request.hpp"
#include "protocol/meta/plain_meta_get.hpp"
#include "test/unit/protocol/test_service.hpp"
#include "test/unit/storage/seed.hpp"

#include <catch2/catch.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace twincached::protocol {

namespace {

using lib::Random;
using test::Client;
using test::TestService;

const std::string long_key(251, 'k');
const std::string longest_key(250, 'l');

// Items of every kind that a reader can tell from others.
void prepare(Client& client) {
    client.say("set plain 0 0 5\r\nvalue\r\nset flags 7 0 0\r\n\r\nset short 0 2 1\r\nx\r\n");
    client.say("set large 0 0 20000\r\n" + std::string(20000, 'v') + "\r\n");
    client.say("ms YmluYXJ5 1 b\r\nb\r\nms YSBi 1 b\r\nb\r\nms cas 1 E77\r\nc\r\n");
    client.say("ms old 1\r\no\r\nmd old I T30\r\nms older 1\r\no\r\nmd older I\r\nmg older\r\n");
    client.say("mg new N30\r\nset " + longest_key + " 1 0 2\r\nab\r\n");
}

template <class Values>
auto one_of(Random& random, const Values& values) {
    return values[random.below(std::size(values))];
}

// Mostly what a run is made of, and now and then what ends one.
std::string some_flags(Random& random) {
    const std::string plain[] = {"v", "k", "s", "t", "f", "c", "q", "O123", "O", "h", "l", "v"};
    const std::string others[] = {"u",
                                  "T50",
                                  "N40",
                                  "R31",
                                  "E5",
                                  "C77",
                                  "b",
                                  "vx",
                                  "x",
                                  "?",
                                  "v v",
                                  "k k",
                                  " v",
                                  "v ",
                                  "t\t",
                                  "M",
                                  "P2",
                                  "S1",
                                  "q q",
                                  "O" + std::string(31, 'o'),
                                  "O" + std::string(32, 'o')};
    std::string flags;
    for (auto count = random.below(5); count > 0; --count)
        flags += " " + (random.one_in(12) ? one_of(random, others) : one_of(random, plain));
    return flags;
}

std::string some_request(Random& random) {
    const std::string keys[] = {"plain", "flags", "short", "large",     "binary",  "a",
                                "cas",   "old",   "older", "absent",    "new",     "plain",
                                "YSBi",  "x\x01", "\xc3",  longest_key, "YmluYXJ5"};
    const std::string others[] = {"mn",          "get ",           "mg ",
                                  "mg",          "mg " + long_key, "get " + long_key,
                                  "gets plain",  "get plain cas",  "delete flags",
                                  "md absent q", "md old I T30",   "get  plain",
                                  "mgx plain v", "incr cas 1",     "touch short 9"};
    if (random.one_in(10)) return one_of(random, others);
    const auto key = one_of(random, keys);
    if (random.one_in(4)) return (random.one_in(2) ? "get " : "gets ") + key;
    return "mg " + key + some_flags(random);
}

void check_same_counts(const TestService& one, const TestService& other) {
    for (unsigned i = 0; i < static_cast<unsigned>(Count::count_); ++i) {
        const auto name = static_cast<Count>(i);
        if (name == Count::conn_yields) continue;  // whoever says less at a time yields less
        INFO("count " << i);
        CHECK(one.total(name) == other.total(name));
    }
    for (unsigned size_class = 0; size_class < 64; ++size_class) {
        for (unsigned i = 0; i < static_cast<unsigned>(ClassCount::count_); ++i) {
            const auto name = static_cast<ClassCount>(i);
            CHECK(one.total(size_class, name) == other.total(size_class, name));
        }
    }
}

// Returns what either was answered, as long as that is the same.
void check_together(std::uint64_t seed) {
    Random random(seed);
    TestService together;
    TestService alone;
    together.settings_to_change().requests_per_event =
        static_cast<std::uint32_t>(1 + random.below(50));
    Client many(together);
    Client each(alone);
    prepare(many);
    prepare(each);
    for (int burst = 0; burst < 20; ++burst) {
        std::string requests;
        std::string answers;
        for (auto count = 1 + random.below(60); count > 0; --count) {
            const auto request = some_request(random);
            requests += request + "\r\n";
            answers += each.say(request + "\n");
        }
        const auto piece = random.one_in(2) ? SIZE_MAX : 1 + random.below(requests.size());
        INFO("seed " << seed << ", in pieces of " << piece << "\n" << requests);
        REQUIRE(many.say(requests, piece) == answers);
        for (auto* client : {&many, &each}) {
            client->now.steady_ms += 700;
            client->now.version_ms += 700;
        }
    }
    INFO("seed " << seed);
    check_same_counts(together, alone);
    for (const std::string key : {"plain", "flags", "large", "cas", "old", "older", "new"})
        CHECK(many.say("me " + key + "\r\n") == each.say("me " + key + "\n"));
}

std::string packet(std::uint8_t opcode, std::string_view key, std::uint32_t opaque) {
    std::string bytes(binary_header_size, '\0');
    bytes[0] = static_cast<char>(binary_request_magic);
    bytes[1] = static_cast<char>(opcode);
    lib::store_big(&bytes[2], static_cast<std::uint16_t>(key.size()));
    lib::store_big(&bytes[8], static_cast<std::uint32_t>(key.size()));
    lib::store_big(&bytes[12], opaque);
    return bytes.append(key);
}

// Gets of all four kinds, and now and then a delete or a no-op.
std::string some_packet(Random& random) {
    const std::uint8_t gets[] = {0x00, 0x09, 0x0c, 0x0d};
    const std::string keys[] = {"plain", "flags", "short", "large", "absent", "old", longest_key};
    const auto opaque = static_cast<std::uint32_t>(random.next());
    if (random.one_in(20)) return packet(0x0a, "", opaque);
    const auto opcode = random.one_in(20) ? std::uint8_t{0x04} : one_of(random, gets);
    return packet(opcode, one_of(random, keys), opaque);
}

// As check_together; a packet that comes alone is in no run with others.
void check_packets_together(std::uint64_t seed) {
    Random random(seed);
    TestService together;
    TestService alone;
    Client many(together);
    Client each(alone);
    for (auto* service : {&together, &alone}) {
        Client client(*service);
        prepare(client);
    }
    for (int burst = 0; burst < 20; ++burst) {
        std::string requests;
        std::string answers;
        for (auto count = 1 + random.below(60); count > 0; --count) {
            const auto request = some_packet(random);
            requests += request;
            answers += each.say(request);
        }
        const auto piece = random.one_in(2) ? SIZE_MAX : 1 + random.below(requests.size());
        INFO("seed " << seed << ", in pieces of " << piece);
        REQUIRE(many.say(requests, piece) == answers);
    }
    check_same_counts(together, alone);
}

GetRun scan(std::string_view input, std::size_t limit = 32) {
    GetRun run(input, limit);
    scan_plain_meta_gets(run);
    return run;
}

std::size_t count_in(std::string_view input) {
    return scan(input).keys().size();
}

}  // namespace

TEST_CASE("gets and meta gets that come together are answered as one after the other") {
    const auto seed = storage::seed_of("get_run");
    for (unsigned i = 0; i < 100; ++i)
        check_together(seed + i);
}

TEST_CASE("binary gets that come together are answered as one after the other") {
    const auto seed = storage::seed_of("get_run");
    for (unsigned i = 0; i < 50; ++i)
        check_packets_together(seed + i);
}

TEST_CASE("a run of meta gets ends where something other than plain flags begins") {
    CHECK(count_in("mg a\r\nmg b v\r\nmg c v q k O7 t s f c h l\r\nmn\r\n") == 3);
    CHECK(scan("mg a\r\nmg b v\r\nmn\r\n").request(1) == "mg b v\r\n");
    CHECK(scan("mg a\r\nmg b v\r\nmn\r\n").rest() == "mn\r\n");
    CHECK(scan("mg a\r\nmg b\r\nmg c\r\n", 2).keys().size() == 2);
    for (const std::string_view flag :
         {"u", "b", "T1", "N1", "R1", "E1", "C1", "x", "M", "?", "vv"})
        CHECK(count_in("mg a v " + std::string(flag) + "\r\n") == 0);
    CHECK(count_in("mg a v v\r\n") == 0);
    CHECK(count_in("mg a  v\r\n") == 0);
    CHECK(count_in("mg a v \r\n") == 0);
    CHECK(count_in("mg a v\n") == 0);
    CHECK(count_in("mg a v\r") == 0);
    CHECK(count_in("mg a O" + std::string(31, 'o') + "\r\n") == 1);
    CHECK(count_in("mg a O" + std::string(32, 'o') + "\r\n") == 0);
    CHECK(count_in("mg " + longest_key + "\r\n") == 1);
    CHECK(count_in("mg " + long_key + "\r\n") == 0);
    CHECK(count_in("mg \r\n") == 0);
    CHECK(count_in("mg") == 0);
}

TEST_CASE("the flags of a plain meta get are kept in their order, and its opaque") {
    const auto run = scan("mg a v O12 k\r\nmg b q O v\r\n");
    CHECK(plain_flags_of(run, 0).letters() == "vOk");
    CHECK(plain_flags_of(run, 0).opaque == "12");
    CHECK(plain_flags_of(run, 1).letters() == "qOv");
    CHECK(plain_flags_of(run, 1).opaque.empty());
    CHECK(plain_flags_of(run, 1).has('q'));
    CHECK_FALSE(plain_flags_of(run, 1).has('k'));
}

}  // namespace twincached::protocol
