// What the load generator says, to the byte, and how it reads what it is answered.
#include "test/bench/load/dialect.hpp"

#include <catch2/catch.hpp>

#include <string>
#include <vector>

namespace twincached::load {
namespace {

using Meaning = Answer::Meaning;

struct Spoken {
    explicit Spoken(Protocol protocol) : dialect(make_dialect(protocol)), content(options()) {}

    static Options options() {
        Options options;
        options.key_bytes = 9;
        options.value_bytes_min = options.value_bytes_max = 3;
        return options;
    }
    std::string get(const std::vector<std::uint32_t>& keys) const {
        std::string out;
        dialect->append_get(out, content, keys);
        return out;
    }
    std::string set(std::uint32_t key) const {
        std::string out;
        dialect->append_set(out, content, key);
        return out;
    }
    Meaning meaning(std::string_view line) const { return dialect->read(line).meaning; }

    std::unique_ptr<const Dialect> dialect;
    Content content;
};

}  // namespace

TEST_CASE("the text protocol's get has all keys in a line, its set the value in the next") {
    const Spoken text(Protocol::text);
    const auto value = std::string(text.content.value(7));
    CHECK(text.get({7}) == "get k00000007\r\n");
    CHECK(text.get({7, 12}) == "get k00000007 k00000012\r\n");
    CHECK(text.set(7) == "set k00000007 0 0 3\r\n" + value + "\r\n");
    CHECK(text.dialect->ends_a_get());
}

TEST_CASE("the text protocol names the key of a value, and its end") {
    const Spoken text(Protocol::text);
    const auto answer = text.dialect->read("VALUE k00000007 0 300");
    CHECK(answer.meaning == Meaning::value);
    CHECK(answer.bytes == 300);
    CHECK(answer.key == "k00000007");
    CHECK(text.meaning("END") == Meaning::end);
    CHECK(text.meaning("STORED") == Meaning::stored);
    for (const auto* line : {"", "ERROR", "SERVER_ERROR out of memory", "HD", "$3", "VALUE k 0 ",
                             "VALUE k 0 3x", "VALUE k 0 -3"}) {
        CAPTURE(line);
        CHECK(text.meaning(line) == Meaning::failure);
    }
}

TEST_CASE("a meta get is a line for each key") {
    const Spoken meta(Protocol::meta);
    CHECK(meta.get({7, 12}) == "mg k00000007 v\r\nmg k00000012 v\r\n");
    CHECK(meta.set(7) == "ms k00000007 3\r\n" + std::string(meta.content.value(7)) + "\r\n");
    CHECK(meta.dialect->read("VA 300").bytes == 300);
    CHECK(meta.meaning("EN") == Meaning::missing);
    CHECK(meta.meaning("HD") == Meaning::stored);
    CHECK(meta.meaning("NS") == Meaning::failure);
    CHECK_FALSE(meta.dialect->ends_a_get());
}

TEST_CASE("a command of RESP is an array of strings with their lengths") {
    const Spoken resp(Protocol::resp);
    CHECK(resp.get({7}) == "*2\r\n$3\r\nGET\r\n$9\r\nk00000007\r\n");
    CHECK(resp.get({7, 12}) == "*3\r\n$4\r\nMGET\r\n$9\r\nk00000007\r\n$9\r\nk00000012\r\n");
    CHECK(resp.set(7) == "*3\r\n$3\r\nSET\r\n$9\r\nk00000007\r\n$3\r\n" +
                             std::string(resp.content.value(7)) + "\r\n");
    CHECK_FALSE(resp.dialect->ends_a_get());
}

TEST_CASE("RESP answers with a string, with none, with an array of these, or with an error") {
    const Spoken resp(Protocol::resp);
    const auto answer = resp.dialect->read("$300");
    CHECK(answer.meaning == Meaning::value);
    CHECK(answer.bytes == 300);
    CHECK(resp.dialect->read("$0").meaning == Meaning::value);
    CHECK(resp.meaning("$-1") == Meaning::missing);
    CHECK(resp.meaning("*2") == Meaning::several);
    CHECK(resp.meaning("+OK") == Meaning::stored);
    for (const auto* line : {"", "-ERR unknown command", "-LOADING", ":1", "+PONG", "$", "$x"}) {
        CAPTURE(line);
        CHECK(resp.meaning(line) == Meaning::failure);
    }
}

}  // namespace twincached::load
