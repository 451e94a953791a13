#include "app/twinctl/digest.hpp"
#include "app/twinctl/dump_file.hpp"
#include "app/twinctl/item_line.hpp"
#include "app/twinctl/item_loader.hpp"
#include "lib/json.hpp"
#include "storage/key.hpp"

#include <catch2/catch.hpp>

#include <sstream>
#include <string>
#include <vector>

namespace twincached::app {
namespace {

constexpr std::int64_t now = 1'800'000'000;

ItemLine line_of(std::string_view text) {
    auto item = parse_item_line(text);
    REQUIRE(item);
    return *item;
}

// The command that stores it; "!" and the sentence if the line cannot be right.
std::string command_of(std::string_view text, bool only_new = false) {
    auto command = store_command(line_of(text), now, only_new);
    return command.problem.empty() ? command.bytes : "!" + command.problem;
}

std::string body_of(const BucketDigests& digests) {
    std::string body;
    char line[20];
    for (const auto digest : digests) {
        std::snprintf(line, sizeof line, "%016llx\n", static_cast<unsigned long long>(digest));
        body += line;
    }
    return body;
}

std::string read(const std::string& text, std::vector<std::string>& lines) {
    std::istringstream file(text);
    return read_dump(file, [&](std::string_view line) {
        lines.emplace_back(line);
        return std::string(line == "bad" ? "that is bad" : "");
    });
}

}  // namespace

TEST_CASE("a line of an item says what it is, and words to come are passed over") {
    const auto item =
        line_of("key=a%0D%0Ab version=8837 exp=-1 flags=7 size=3 mood=good stale=yes value=Zm9v");
    CHECK(item.key == "a\r\nb");
    CHECK(item.shown_key == "a%0D%0Ab");
    CHECK(item.version == 8837);
    CHECK(item.expires == -1);
    CHECK(item.flags == 7);
    CHECK(item.size == 3);
    CHECK(item.is_stale);
    CHECK(item.value_text == "Zm9v");
}

TEST_CASE("a line that is none of an item is told from one") {
    for (const auto* text : {"", "end", "key=", "key=%4", "key=%zz", "key=a version=x",
                             "key=a size=-1", "version=1 exp=-1", "key=a flags=4294967296"}) {
        INFO(text);
        CHECK_FALSE(parse_item_line(text));
    }
}

TEST_CASE("what is encoded for a request is what a line decodes") {
    std::string all;
    for (int byte = 0; byte < 256; ++byte)
        all += static_cast<char>(byte);
    CHECK(line_of("key=" + percent_encoded(all)).key == all);
    CHECK(percent_encoded("user:1") == "user%3A1");
}

TEST_CASE("an item is stored with its flags and the life that is left of it") {
    CHECK(command_of("key=a exp=-1 flags=7 size=3 value=Zm9v") == "ms a 3 F7 T0 q\r\nfoo\r\n");
    CHECK(command_of("key=a exp=1800000060 flags=0 size=3 value=Zm9v") ==
          "ms a 3 F0 T60 q\r\nfoo\r\n");
    CHECK(command_of("key=a exp=-1 flags=0 size=0 value=", true) == "ms a 0 F0 T0 ME q\r\n\r\n");
}

TEST_CASE("more than 30 days are stored as a time, for memcached takes them for one") {
    CHECK(command_of("key=a exp=1802592000 size=0") == "ms a 0 F0 T2592000 q\r\n\r\n");
    CHECK(command_of("key=a exp=1802592001 size=0") == "ms a 0 F0 T1802592001 q\r\n\r\n");
}

TEST_CASE("what has expired since it was saved, or was invalidated, does not come back") {
    CHECK(command_of("key=a exp=1800000000 size=0").empty());
    CHECK(command_of("key=a exp=0 size=0").empty());
    CHECK_FALSE(command_of("key=a exp=1800000001 size=0").empty());
    CHECK(command_of("key=a exp=-1 size=0 stale=yes").empty());
}

TEST_CASE("a key that is no text is stored as base64 says it") {
    CHECK(command_of("key=a%20b exp=-1 size=0") == "ms YSBi 0 b F0 T0 q\r\n\r\n");
}

TEST_CASE("a value that is not whole is not stored") {
    CHECK(command_of("key=a exp=-1 size=4 value=Zm9v") == "!a: its value is not whole");
    CHECK(command_of("key=a exp=-1 size=3 value=Zm9") == "!a: its value is not whole");
    CHECK(command_of("key=a exp=-1 size=3 value=Zm9!") == "!a: its value is not whole");
    const std::string key(251, 'k');
    CHECK(command_of("key=" + key + " size=0") == "!" + key + ": the key is too long");
}

TEST_CASE("a dump is read between its first and its last line") {
    std::vector<std::string> lines;
    CHECK(read(std::string(dump_begin) + "one\n# a remark\ntwo\n" + dump_end(2), lines).empty());
    CHECK(lines == std::vector<std::string>{"one", "two"});
}

TEST_CASE("a dump that is none, cut off or wrong is told from a whole one") {
    std::vector<std::string> lines;
    CHECK(read("one\n", lines).starts_with("this is no dump"));
    CHECK(read("", lines).starts_with("this is no dump"));
    CHECK(lines.empty());
    CHECK(read(std::string(dump_begin) + "one\ntw", lines).starts_with("the dump is cut off"));
    CHECK(lines == std::vector<std::string>{"one"});
    CHECK(read(std::string(dump_begin) + "one\n" + dump_end(2), lines)
              .starts_with("the dump is cut off behind 1 items"));
    CHECK(read(std::string(dump_begin) + "one\nbad\n" + dump_end(2), lines) ==
          "item 2: that is bad");
}

TEST_CASE("digests are read if they are all there") {
    BucketDigests digests(storage::bucket_count);
    digests[0] = 1;
    digests[65'535] = 0xFFFFFFFFFFFFFFFF;
    const auto body = body_of(digests);
    CHECK(*parse_digests(body) == digests);
    CHECK(parse_digests(body.substr(17)).has_error());
    CHECK(parse_digests(body + "0000000000000000\n").has_error());
    CHECK(parse_digests("no\n").has_error());
    CHECK(parse_digests("").has_error());
}

TEST_CASE("a difference is one that is still there at the next look") {
    CHECK(differing({1, 2, 3}, {1, 5, 6}) == std::vector<std::size_t>{1, 2});
    CHECK(common(std::vector<std::size_t>{1, 2, 9}, std::vector<std::size_t>{2, 3, 9}) ==
          std::vector<std::size_t>{2, 9});
    const ItemDifference lasts{5, "a", {1, 2}};
    CHECK(lasting({lasts, {5, "b", {1, 2}}}, {{5, "b", {2, 3}}, lasts}) ==
          std::vector<ItemDifference>{lasts});
}

TEST_CASE("items differ that one node alone has, or that are newer on one") {
    const std::vector<ItemLine> first{line_of("key=a version=1"), line_of("key=b version=2"),
                                      line_of("key=c version=3")};
    const std::vector<ItemLine> second{line_of("key=c version=3"), line_of("key=b version=4"),
                                       line_of("key=d version=5")};
    Comparison comparison;
    comparison.nodes = {"one", "two"};
    comparison.differing = {7};
    comparison.listed_buckets = 1;
    comparison.items = differences(7, first, second);
    CHECK_FALSE(comparison.is_equal());
    const auto screen = digest_screen(comparison);
    CHECK(screen ==
          "different: one and two differ in 1 of 65536 buckets\n"
          "bucket 7: key a: on one alone\n"
          "bucket 7: key b: newer on two (versions 2 and 4)\n"
          "bucket 7: key d: on two alone\n");
    const auto page = boost::json::parse(digest_json(comparison)).as_object();
    CHECK(page.at("equal") == false);
    CHECK(page.at("items").as_array().size() == 3);
}

TEST_CASE("nodes are equal if no bucket differs, or all that was listed of them is equal") {
    Comparison comparison;
    CHECK(comparison.is_equal());
    comparison.differing = {1, 2};
    CHECK_FALSE(comparison.is_equal());
    comparison.listed_buckets = 1;
    CHECK_FALSE(comparison.is_equal());
    comparison.listed_buckets = 2;
    CHECK(comparison.is_equal());
    comparison.unlisted = "nobody may";
    CHECK_FALSE(comparison.is_equal());
}

}  // namespace twincached::app
