#include "protocol/login/authentication.hpp"
#include "protocol/login/credentials.hpp"

#include <catch2/catch.hpp>

#include <string>

namespace twincached::protocol {

namespace {

PasswordTable table_of(std::string_view content,
                       PasswordFormat format = PasswordFormat::whole_line) {
    auto table = PasswordTable::parse(content, format);
    REQUIRE(table.has_value());
    return std::move(*table);
}

std::string complaint_about(std::string_view content) {
    const auto table = PasswordTable::parse(content, PasswordFormat::whole_line);
    return table.has_error() ? table.error() : "";
}

using namespace std::string_view_literals;

}  // namespace

TEST_CASE("a user comes in with the password of its line and with no other") {
    const auto table = table_of("app:secret\r\nother:a:b\nlast:one");
    CHECK(table.size() == 3);
    CHECK(table.accepts("app", "secret"));
    CHECK(table.accepts("other", "a:b"));
    CHECK(table.accepts("last", "one"));
    CHECK_FALSE(table.accepts("app", "one"));
    CHECK_FALSE(table.accepts("app", "secre"));
    CHECK_FALSE(table.accepts("app", "secret1"));
    CHECK_FALSE(table.accepts("app", "secret\0"sv));
    CHECK_FALSE(table.accepts("app", ""));
    CHECK_FALSE(table.accepts("", ""));
    CHECK_FALSE(table.accepts("nobody", "secret"));
    CHECK_FALSE(table.accepts("app:secret", ""));
}

TEST_CASE("words of the greatest length are compared to their last byte") {
    const std::string longest(PasswordTable::word_limit, 'x');
    const auto table = table_of(longest + ':' + longest);
    CHECK(table.accepts(longest, longest));
    auto other = longest;
    other.back() = 'y';
    CHECK_FALSE(table.accepts(longest, other));
    CHECK_FALSE(table.accepts(other, longest));
    CHECK_FALSE(table.accepts(longest, longest + 'x'));
    CHECK_FALSE(table.accepts(longest + std::string(256, 'x'), longest));
}

TEST_CASE("the file of MEMCACHED_SASL_PWDB ends a password at a colon") {
    const auto table = table_of("app:secret:\nother:word:PLAIN\n", PasswordFormat::until_colon);
    CHECK(table.accepts("app", "secret"));
    CHECK(table.accepts("other", "word"));
    CHECK_FALSE(table.accepts("other", "word:PLAIN"));
}

TEST_CASE("what is wrong with a password file is said with its line, without what stands there") {
    CHECK(complaint_about("a:b\nhush\n") == "line 2: malformed entry, should be 'user:password'");
    CHECK(complaint_about("a:b\n\nc:d\n") == "line 2: malformed entry, should be 'user:password'");
    CHECK(complaint_about(":hush") == "line 1: malformed entry, should be 'user:password'");
    CHECK(complaint_about("hush:") == "line 1: malformed entry, should be 'user:password'");
    CHECK(complaint_about("a:" + std::string(256, 'h')) ==
          "line 1: a user or password is longer than 255 bytes");
    CHECK(complaint_about("a:b\0c"sv) == "line 1: there is a NUL byte");
    CHECK(complaint_about("") == "no user in it, should be 'user:password'");
    std::string many;
    for (std::size_t i = 0; i <= PasswordTable::entry_limit; ++i)
        many += "user" + std::to_string(i) + ":word\n";
    CHECK(complaint_about(many) == "line 257: more than 256 users");
    CHECK(complaint_about(std::string(PasswordTable::content_limit + 1, 'a')) ==
          "longer than 262144 bytes");
}

TEST_CASE("credentials accept nobody before there is a table, and the newest table counts") {
    Credentials credentials;
    CHECK_FALSE(credentials.accept("app", "secret"));
    credentials.replace(table_of("app:secret"));
    CHECK(credentials.accept("app", "secret"));
    credentials.replace(table_of("app:changed"));
    CHECK_FALSE(credentials.accept("app", "secret"));
    CHECK(credentials.accept("app", "changed"));
}

TEST_CASE("a PLAIN message names a user who acts for nobody else") {
    const auto parsed = [](std::string_view message) {
        const auto plain = parse_plain(message);
        return plain ? std::string(plain->user) + '/' + std::string(plain->password) : "refused";
    };
    CHECK(parsed("\0app\0secret"sv) == "app/secret");
    CHECK(parsed("app\0app\0secret"sv) == "app/secret");
    for (const auto message : {"root\0app\0secret"sv, "app"sv, "\0app"sv, "\0\0secret"sv, "\0"sv,
                               "\0\0"sv, ""sv, "\0app\0secret\0"sv, "\0app\0secret\0more"sv}) {
        CHECK(parsed(message) == "refused");
    }
}

TEST_CASE("a mechanism whose message is missing waits for it in the next step") {
    Credentials credentials;
    credentials.replace(table_of("app:secret"));
    Authentication authentication;
    CHECK(authentication.step(credentials, "PLAIN", "\0app\0secret"sv) == Admission::refused);
    CHECK(authentication.start(credentials, "PLAIN", "") == Admission::go_on);
    CHECK_FALSE(authentication.is_open());
    CHECK(authentication.step(credentials, "PLAIN", "\0app\0secret"sv) == Admission::granted);
    CHECK(authentication.is_open());
    CHECK(authentication.step(credentials, "PLAIN", "\0app\0secret"sv) == Admission::refused);
    CHECK_FALSE(authentication.is_open());
}

TEST_CASE("only the line that memcached takes for a login begins one") {
    CHECK(parse_login_line("set x 0 0 10") == 10U);
    CHECK(parse_login_line("set  anything at all 10 noreply") == 10U);
    for (const auto line : {"", " ", "set", "set x 0 0", "set x 0 0 -1", "set x 0 0 a",
                            "set x 0 0 4294967296", "add x 0 0 10", "SET x 0 0 10", "settle"}) {
        INFO(line);
        CHECK_FALSE(parse_login_line(line).has_value());
    }
}

}  // namespace twincached::protocol
