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

TEST_CASE("a word ends at its blank, wherever that lies and whatever bytes are around it") {
    for (const char byte : {'a', '\t', '!', '\x1F', '\x7F', '\x80', '\xA0', '\xFF', '\0'}) {
        for (std::size_t size = 1; size < 20; ++size) {
            for (std::size_t behind = 0; behind < 20; ++behind) {
                const std::string word(size, byte);
                const auto line = "  " + word + std::string(behind, ' ') + (behind > 0 ? "z!" : "");
                INFO("byte " << int{byte} << ", size " << size << ", behind " << behind);
                Words words(line);
                CHECK(words.next() == word);
                CHECK(words.next() == (behind > 0 ? "z!" : ""));
                CHECK(words.next().empty());
                const bool is_visible = static_cast<unsigned char>(byte) > ' ';
                const auto front = visible_front("b" + word + std::string(behind, ' '));
                CHECK(front.size() == (is_visible ? 1 + size : 1));
            }
        }
    }
}

TEST_CASE("a run of gets ends where something else begins") {
    const auto scan = [](std::string_view input) {
        GetRun run(input, 4);
        scan_gets(run);
        return run;
    };
    const auto count_in = [&](std::string_view input) { return scan(input).keys().size(); };
    CHECK(count_in("get a\r\nget bc\r\nset") == 2);
    CHECK(scan("get a\r\nget bc\r\nset").keys()[1] == "bc");
    CHECK(scan("get a\r\nget bc\r\nset").request(1) == "get bc\r\n");
    CHECK(scan("get a\r\nget bc\r\nset").rest() == "set");
    CHECK(count_in("get a b\r\n") == 0);
    CHECK(count_in("get a\r") == 0);
    CHECK(count_in("get a\n") == 0);
    CHECK(count_in("get a \r\n") == 0);
    CHECK(count_in("get  a\r\n") == 0);
    CHECK(count_in("get \r\n") == 0);
    CHECK(count_in("gets a\r\nget b\r\ngets c\r\n") == 3);
    CHECK(scan("get b\r\ngets a\r\nset").keys()[1] == "a");
    CHECK(is_gets(scan("get b\r\ngets a\r\nset").request(1)));
    CHECK_FALSE(is_gets(scan("get b\r\ngets a\r\nset").request(0)));
    CHECK(count_in("gets a b\r\n") == 0);
    CHECK(count_in("gets  a\r\n") == 0);
    CHECK(count_in("gets \r\n") == 0);
    CHECK(count_in("getss a\r\n") == 0);
    CHECK(count_in("gat a\r\n") == 0);
    CHECK(count_in("gets") == 0);
    CHECK(count_in("get a\r\nget a\r\nget a\r\nget a\r\nget a\r\n") == 4);
    CHECK(count_in("get " + std::string(250, 'k') + "\r\n") == 1);
    CHECK(count_in("get " + std::string(251, 'k') + "\r\n") == 0);
}

}  // namespace twincached::protocol
