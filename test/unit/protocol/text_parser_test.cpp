#include "protocol/text/text_parser.hpp"

#include <catch2/catch.hpp>

#include <array>
#include <string>

namespace twincached::protocol {

TEST_CASE("words are separated by blanks and by nothing else") {
    Words words("  set a\tb   1 ");
    CHECK(words.next() == "set");
    CHECK(words.next() == "a\tb");
    CHECK(words.next() == "1");
    CHECK(words.next().empty());
    CHECK(words.next().empty());
}

TEST_CASE("the last word is found behind trailing blanks") {
    CHECK(ends_with_word("a noreply  ", "noreply"));
    CHECK(ends_with_word("noreply", "noreply"));
    CHECK_FALSE(ends_with_word("a noreply b", "noreply"));
    CHECK_FALSE(ends_with_word("xnoreply", "noreply"));
    CHECK_FALSE(ends_with_word("", "noreply"));
}

TEST_CASE("lengths and the numbers of administrative verbs are digits alone, and not many") {
    CHECK(parse_strict_word<std::int32_t>("5") == 5);
    CHECK(parse_strict_word<std::int32_t>("-5") == -5);
    CHECK(parse_strict_word<std::int32_t>("00000000005") == 5);
    CHECK_FALSE(parse_strict_word<std::int32_t>("000000000005"));
    CHECK(parse_strict_word<std::int32_t>("2147483647") == 2147483647);
    CHECK_FALSE(parse_strict_word<std::int32_t>("2147483648"));
    CHECK_FALSE(parse_strict_word<std::int32_t>("+5"));
    CHECK_FALSE(parse_strict_word<std::int32_t>("5\t"));
    CHECK_FALSE(parse_strict_word<std::int32_t>("5x"));
    CHECK_FALSE(parse_strict_word<std::int32_t>(""));
    CHECK(parse_strict_word<std::uint32_t>("4294967295") == 4294967295U);
    CHECK_FALSE(parse_strict_word<std::uint32_t>("4294967296"));
    CHECK_FALSE(parse_strict_word<std::uint32_t>("-1"));
}

TEST_CASE("a storage line is read whole before it is judged") {
    Command command;
    SECTION("a good one") {
        CHECK(parse_storage(Words("key 5 -1 3 noreply "), command) == Answer::none);
        CHECK(command.key == "key");
        CHECK(command.client_flags == 5);
        CHECK(command.exptime == -1);
        CHECK(command.value_bytes == 3);
        CHECK(command.noreply);
    }
    SECTION("a bad one announces its value nevertheless") {
        CHECK(parse_storage(Words("key x 0 3"), command) == Answer::bad_line);
        CHECK(command.has_value);
        CHECK(command.value_bytes == 3);
    }
    SECTION("without a length nothing can be skipped") {
        CHECK(parse_storage(Words("key 0 0 x"), command) == Answer::bad_line);
        CHECK_FALSE(command.has_value);
    }
    SECTION("a length that memcached cannot count is none") {
        CHECK(parse_storage(Words("key 0 0 2147483645"), command) == Answer::none);
        Command other;
        CHECK(parse_storage(Words("key 0 0 2147483646"), other) == Answer::bad_line);
        CHECK_FALSE(other.has_value);
    }
}

TEST_CASE("a run of gets ends where something else begins") {
    std::array<std::string_view, 4> keys;
    const auto scan = [&](std::string_view input) { return scan_get_run(input, keys); };
    CHECK(scan("get a\r\nget bc\r\nset").count == 2);
    CHECK(keys[1] == "bc");
    CHECK(scan("get a\r\nget bc\r\nset").bytes == 15);
    CHECK(scan("get a b\r\n").count == 0);
    CHECK(scan("get a\r").count == 0);
    CHECK(scan("get a\n").count == 0);
    CHECK(scan("get a \r\n").count == 0);
    CHECK(scan("get  a\r\n").count == 0);
    CHECK(scan("get \r\n").count == 0);
    CHECK(scan("gets a\r\n").count == 0);
    CHECK(scan("get a\r\nget a\r\nget a\r\nget a\r\nget a\r\n").count == 4);
    CHECK(scan("get " + std::string(250, 'k') + "\r\n").count == 1);
    CHECK(scan("get " + std::string(251, 'k') + "\r\n").count == 0);
}

}  // namespace twincached::protocol
