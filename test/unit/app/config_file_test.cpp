#include "app/options/config_file.hpp"

#include <catch2/catch.hpp>

#include <string>
#include <string_view>

namespace twincached::app {
namespace {

// The value of the only assignment.
std::string value_of(const std::string& assignment) {
    const auto tokens = tokenize("[s]\n" + assignment);
    REQUIRE(tokens.problems.empty());
    REQUIRE(tokens.entries.size() == 1);
    return tokens.entries.front().value;
}

std::string problem_of(const std::string& content) {
    const auto tokens = tokenize(content);
    REQUIRE(tokens.problems.size() == 1);
    return std::to_string(tokens.problems.front().line) + ": " + tokens.problems.front().message;
}

}  // namespace

TEST_CASE("entries carry their section and their line") {
    const auto tokens = tokenize("# head\n\n[network]\n port = 1 \n[log]\nfile=/x");
    REQUIRE(tokens.entries.size() == 2);
    CHECK(tokens.entries[0].section == "network");
    CHECK(tokens.entries[0].key == "port");
    CHECK(tokens.entries[0].value == "1");
    CHECK(tokens.entries[0].line == 4);
    CHECK(tokens.entries[1].section == "log");
    CHECK(tokens.entries[1].value == "/x");
    CHECK(tokens.entries[1].line == 6);
}

TEST_CASE("a comment begins after a blank only, so that secrets may hold signs") {
    CHECK(value_of("secret = a#b;c") == "a#b;c");
    CHECK(value_of("secret = a #b") == "a");
    CHECK(value_of("secret = a ;b") == "a");
    CHECK(value_of("secret = # nothing") == "");
    CHECK(value_of("secret =#a") == "");
}

TEST_CASE("quotes keep blanks and signs, and a backslash keeps quotes") {
    CHECK(value_of(R"(secret = " a # b ")") == " a # b ");
    CHECK(value_of(R"(secret = "a\"b\\c" # why)") == R"(a"b\c)");
    CHECK(value_of(R"(secret = "")") == "");
}

TEST_CASE("a byte order mark and CR LF are tolerated") {
    const auto tokens = tokenize("\xEF\xBB\xBF[s]\r\nkey = value\r\n");
    REQUIRE(tokens.problems.empty());
    CHECK(tokens.entries.at(0).value == "value");
}

TEST_CASE("a line that is no INI is named and the rest is still read") {
    CHECK(problem_of("[s]\nwhat is this\nkey = 1") ==
          "2: expected key = value, [section] or # comment");
    CHECK(problem_of("key = 1") == "1: 'key' stands in no [section]");
    CHECK(problem_of("[s") == "1: a section is written [name]");
    CHECK(problem_of("[]") == "1: a section is written [name]");
    CHECK(problem_of("[s]\nkey = \"a") == "2: the closing quote is missing");
    CHECK(problem_of("[s]\nkey = \"a\" b") == "2: text after the closing quote");
    CHECK(tokenize("[s]\nwhat is this\nkey = 1").entries.size() == 1);
}

TEST_CASE("a zero byte makes a line none, wherever it stands") {
    const std::string zero(1, '\0');
    for (const auto& line : {"key = a" + zero + "/b", "key = \"a" + zero + "\"", "key = " + zero,
                             "key = a # b" + zero, "# b" + zero, zero, "[s" + zero + "]"}) {
        INFO(line);
        CHECK(problem_of("[s]\n" + line + "\n") == "2: a zero byte: this line is not text");
    }
    CHECK(tokenize("[s]\nbad = a" + zero + "\nkey = 1").entries.size() == 1);
}

TEST_CASE("a name has letters, digits, and the signs - _ . and no other") {
    CHECK(tokenize("[aZ09-_.]\naZ09-_. = 1").problems.empty());
    for (const char sign : std::string_view("@[`{/:,!$% \t\x7F\xC3")) {
        INFO("sign " << static_cast<int>(sign));
        CHECK(problem_of(std::string("[a") + sign + "a]") == "1: a section is written [name]");
        CHECK(problem_of(std::string("[s]\na") + sign + "a = 1") ==
              "2: expected key = value, [section] or # comment");
    }
}

TEST_CASE("a value that is quoted when needed reads back unchanged") {
    for (const auto* value :
         {"", "plain", " a ", "a #b", "\"", "a\\b", "\"a\\\" # ;", "#", "a;b", "a\r", "\r"}) {
        INFO(value);
        CHECK(value_of("key = " + quoted_if_needed(value)) == value);
    }
}

}  // namespace twincached::app
