// What is a number, as memcached 1.6.45 reads it: in stored values, in deltas, exptimes, flags, CAS
// uniques and lengths, in all dialects. Blanks, signs, zeros in front, 20 and 21 digits, line ends.
#include "lib/endian.hpp"
#include "test/unit/protocol/test_service.hpp"

#include <catch2/catch.hpp>

#include <optional>
#include <string>

namespace twincached::protocol::test {

namespace {

using namespace std::string_literals;

struct Reading {
    std::string text;
    std::optional<std::uint64_t> number;
};

constexpr std::uint64_t largest = 18446744073709551615U;

// Of a number that C's strtoull reads, as its text stands in a value.
const Reading readings[] = {
    {"10", 10},
    {"10\n", 10},
    {"10\r\n", 10},
    {" 10", 10},
    {"\t10", 10},
    {"\r\n10", 10},
    {"10 ", 10},
    {"10   ", 10},
    {"10\t", 10},
    {"10 apples", 10},
    {"10\nmore", 10},
    {"10\0"s, 10},
    {"10\0x"s, 10},
    {"+10", 10},
    {" +10 ", 10},
    {"-0", 0},
    {"0", 0},
    {"007", 7},
    {"00000000000000000010", 10},          // 20 digits
    {"000000000000000000010", 10},         // 21
    {"0000000000000000000000000010", 10},  // 28
    {"18446744073709551615", largest},     // 20 digits
    {"018446744073709551615", largest},    // 21
    {"18446744073709551616", {}},
    {"99999999999999999999", {}},   // 20 digits
    {"100000000000000000000", {}},  // 21
    {"-1", {}},
    {"-9223372036854775808", {}},
    {"-18446744073709551615", 1},  // modulo 2^64, as there
    {"-18446744073709551616", {}},
    {"10x", {}},
    {"10.5", {}},
    {"0x10", {}},
    {"x10", {}},
    {"+", {}},
    {"-", {}},
    {"+-10", {}},
    {"- 10", {}},
    {"", {}},
    {" ", {}},
    {"\r\n", {}},
};

const std::string bad_line = "CLIENT_ERROR bad command line format\r\n";
const std::string non_numeric(text_of(Answer::non_numeric));

std::string set_line(const std::string& value) {
    return "set n 0 0 " + std::to_string(value.size()) + "\r\n" + value + "\r\n";
}

}  // namespace

TEST_CASE("a stored value is the number that it begins with") {
    for (const auto& [text, number] : readings) {
        INFO("'" << text << "'");
        TestService service;
        Client client(service);
        REQUIRE(client.say(set_line(text)) == "STORED\r\n");
        if (!number) {
            CHECK(client.say("incr n 1\r\n") == non_numeric);
            CHECK(client.say("decr n 1\r\n") == non_numeric);
            CHECK(client.say("ma n\r\n") == non_numeric);
            CHECK(client.say("get n\r\n").find(text) != std::string::npos);
            continue;
        }
        CHECK(client.say("incr n 0\r\n") == std::to_string(*number) + "\r\n");
        // What replaces it is as long as it was, padded with blanks.
        auto padded = std::to_string(*number);
        if (padded.size() < text.size()) padded.resize(text.size(), ' ');
        CHECK(client.say("get n\r\n") ==
              "VALUE n 0 " + std::to_string(padded.size()) + "\r\n" + padded + "\r\nEND\r\n");
        client.say(set_line(text));
        CHECK(client.say("ma n v\r\n").ends_with("\r\n" + std::to_string(*number + 1) + "\r\n"));
        client.say(set_line(text));
        CHECK(client.say("decr n 1\r\n") ==
              std::to_string(*number == 0 ? 0 : *number - 1) + "\r\n");
    }
}

TEST_CASE("in binary a stored value is the number that it begins with, too") {
    const auto incr = [](std::uint64_t delta) {
        std::string packet("\x80\x05\x00\x01\x14\x00\x00\x00\x00\x00\x00\x15opaq"s);
        packet += std::string(8, '\0');
        std::string extras(20, '\0');
        lib::store_big(extras.data(), delta);
        lib::store_big(extras.data() + 16, std::uint32_t{0xffffffff});
        return packet + extras + "n";
    };
    for (const auto& [text, number] : readings) {
        INFO("'" << text << "'");
        TestService service;
        Client(service).say(set_line(text));
        const auto answer = Client(service).say(incr(0));
        REQUIRE(answer.size() >= 24);
        CHECK(lib::load_big<std::uint16_t>(answer.data() + 6) == (number ? 0 : 6));
        if (number) CHECK(lib::load_big<std::uint64_t>(answer.data() + 24) == *number);
    }
}

TEST_CASE("what is too large for a slab is no number, whatever it begins with") {
    TestService service;
    Client client(service);
    const std::string small = "7" + std::string(5'000, ' ');
    const std::string large = "7" + std::string(20'000, ' ');
    client.say(set_line(small));
    CHECK(client.say("incr n 1\r\n") == "8\r\n");
    CHECK(client.say("mg n s\r\n") == "HD s5001\r\n");
    client.say(set_line(large));
    CHECK(client.say("incr n 1\r\n") == non_numeric);
}

TEST_CASE("deltas, CAS uniques, flags and exptimes are read as C reads them") {
    for (const auto& [text, number] : readings) {
        // A blank or the end of the line would be that of the word.
        if (text.empty() || text.find_first_of(" \n") != std::string::npos) continue;
        INFO("'" << text << "'");
        TestService service;
        Client client(service);
        client.say("set n 0 0 1\r\n0\r\n");
        CHECK(
            client.say("incr n " + text + "\r\n") ==
            (number ? std::to_string(*number) + "\r\n" : std::string(text_of(Answer::bad_delta))));
        CHECK(client.say("set f " + text + " 0 1\r\nx\r\n") == (number ? "STORED\r\n" : bad_line));
        if (number) {
            CHECK(client.say("mg f f\r\n") ==
                  "HD f" + std::to_string(static_cast<std::uint32_t>(*number)) + "\r\n");
        }
        client.say("set f 0 0 1\r\nx\r\n");
        CHECK(client.say("cas f 0 0 1 " + text + "\r\nx\r\n") ==
              (number ? "EXISTS\r\n" : bad_line));
        CHECK((client.say("ms m 1 F" + text + "\r\nx\r\n") == "HD\r\n") == number.has_value());
        CHECK((client.say("ms m 1 E" + text + "\r\nx\r\n") == "HD\r\n") == number.has_value());
        CHECK((client.say("ma n J" + text + "\r\n") == "HD\r\n") == number.has_value());
    }
}

TEST_CASE("exptimes may be negative, and carry a sign or zeros in front") {
    TestService service;
    Client client(service);
    const auto life_after = [&](const std::string& exptime) {
        if (client.say("set e 0 " + exptime + " 1\r\nx\r\n") != "STORED\r\n") return "refused"s;
        const auto life = client.say("mg e t\r\n");
        CHECK(client.say("ms e 1 T" + exptime + "\r\nx\r\n") == "HD\r\n");
        CHECK(client.say("mg e t\r\n") == life);
        if (life != "EN\r\n") {
            CHECK(client.say("touch e " + exptime + "\r\n") == "TOUCHED\r\n");
            CHECK(client.say("mg e t\r\n") == life);
        }
        return life;
    };
    for (const std::string exptime : {"100", "+100", "00100", "100\t", "\t100", "100\r",
                                      "00000000000000000000100", "000000000000000000000100"}) {
        INFO(exptime);
        CHECK(life_after(exptime) == "HD t100\r\n");
    }
    for (const std::string exptime : {"0", "-0", "+0", "000000000000000000000"}) {
        INFO(exptime);
        CHECK(life_after(exptime) == "HD t-1\r\n");
    }
    for (const std::string exptime : {"-1", "-100", "-9223372036854775808"}) {
        INFO(exptime);
        CHECK(life_after(exptime) == "EN\r\n");
    }
    for (const std::string exptime : {"x", "1x", "--1", "9223372036854775808",
                                      "-9223372036854775809", "99999999999999999999"}) {
        INFO(exptime);
        CHECK(life_after(exptime) == "refused");
    }
}

TEST_CASE("lengths, and the exptimes of gat and flush_all, are digits alone and not many") {
    TestService service;
    Client client(service);
    for (const std::string length : {"1", "01", "00000000001"}) {
        INFO(length);
        CHECK(client.say("set l 0 0 " + length + "\r\nx\r\n") == "STORED\r\n");
        CHECK(client.say("ms l " + length + "\r\nx\r\n") == "HD\r\n");
        CHECK(client.say("gat " + length + " l\r\n") == "VALUE l 0 1\r\nx\r\nEND\r\n");
        CHECK(client.say("flush_all " + length + "\r\n") == "OK\r\n");
    }
    client.say("flush_all\r\nset l 0 0 1\r\nx\r\n");
    for (const std::string length :
         {"+1", "1\t", "\t1", "1x", "000000000001", "2147483648", "99999999999999999999"}) {
        INFO(length);
        CHECK(client.say("set l 0 0 " + length + "\r\n") == bad_line);
        CHECK(client.say("ms l " + length + "\r\n") == bad_line);
        CHECK(client.say("gat " + length + " l\r\n") == text_of(Answer::bad_exptime));
        CHECK(client.say("flush_all " + length + "\r\n") == text_of(Answer::bad_exptime));
    }
    CHECK(client.say("gat -1 l\r\n") == "VALUE l 0 1\r\nx\r\nEND\r\n");
    CHECK(client.say("get l\r\n") == "END\r\n");
}

}  // namespace twincached::protocol::test
