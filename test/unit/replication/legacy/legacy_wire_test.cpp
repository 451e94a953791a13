#include "lib/random.hpp"
#include "replication/pair/legacy/legacy_command.hpp"
#include "replication/pair/legacy/legacy_reader.hpp"
#include "test/support/environment.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

using namespace twincached;
using namespace twincached::replication::pair;

namespace {

constexpr std::size_t limit = std::size_t{1} << 20;

// As text that can be compared; `!` where the bytes made no sense.
std::string text_of(const LegacyCommand& command) {
    switch (command.verb) {
        case LegacyVerb::upsert:
            return "rep(" + std::string(command.key) + "," + std::to_string(command.flags) + "," +
                   std::to_string(command.exptime) + "," + std::to_string(command.cas) + "," +
                   (command.is_too_large ? "too large" : std::string(command.value)) + ")";
        case LegacyVerb::removal:
            return "delete(" + std::string(command.key) + ")";
        case LegacyVerb::flush:
            return "flush";
        case LegacyVerb::flush_later:
            return "flush(" + std::to_string(command.exptime) + ")";
        case LegacyVerb::end_of_dump:
            return "end";
    }
    return {};
}

// As a connection does it: what is not taken is kept and shown again with what follows.
class Fed {
  public:
    explicit Fed(std::size_t value_limit = limit) : reader_(value_limit) {}

    void feed(std::string_view bytes) {
        if (is_over_) return;
        kept_ += bytes;
        std::size_t taken = 0;
        for (;;) {
            const auto read = reader_.read(std::string_view(kept_).substr(taken));
            taken += read.taken;
            if (read.status == LegacyReader::Status::need_more) break;
            if (read.status == LegacyReader::Status::malformed) {
                seen_ += "!";
                is_over_ = true;
                return;
            }
            seen_ += text_of(read.command) + " ";
        }
        kept_.erase(0, taken);
        most_kept_ = std::max(most_kept_, kept_.size());
    }
    const std::string& seen() const { return seen_; }
    std::size_t most_kept() const { return most_kept_; }

  private:
    LegacyReader reader_;
    std::string kept_;
    std::string seen_;
    std::size_t most_kept_ = 0;
    bool is_over_ = false;
};

std::string read_all(std::string_view bytes, std::size_t value_limit = limit) {
    Fed fed(value_limit);
    fed.feed(bytes);
    return fed.seen();
}

std::string written(const LegacyCommand& command) {
    lib::ByteBuffer out;
    write_legacy(out, command);
    return std::string(out.readable());
}

}  // namespace

TEST_CASE("what a repcached says is read as it was captured") {
    CHECK(read_all("rep k 5 0 3 4\r\nabc\r\n") == "rep(k,5,0,4,abc) ");
    CHECK(read_all("rep k 5 1795356564 3 5\r\nabc\r\n") == "rep(k,5,1795356564,5,abc) ");
    CHECK(read_all("rep empty 0 0 0 16\r\n\r\n") == "rep(empty,0,0,16,) ");
    CHECK(read_all("rep ka 0 0 2 13\r\n9 \r\n") == "rep(ka,0,0,13,9 ) ");
    CHECK(read_all("delete kneg\r\n") == "delete(kneg) ");
    CHECK(read_all("delete kd 1795356513\r\n") == "delete(kd) ");
    CHECK(read_all("flush_all \r\n") == "flush ");
    CHECK(read_all("flush_all\r\n") == "flush ");
    CHECK(read_all("flush_all 1795356519\r\n") == "flush(1795356519) ");
    CHECK(read_all("marugoto_end\r\n") == "end ");
}

TEST_CASE("flags of a repcached are 32 bits, printed with a sign or without") {
    CHECK(read_all("rep kf -2147483648 0 1 7\r\nv\r\n") == "rep(kf,2147483648,0,7,v) ");
    CHECK(read_all("rep kf -1 0 1 7\r\nv\r\n") == "rep(kf,4294967295,0,7,v) ");
    CHECK(read_all("rep kf 4294967295 0 1 7\r\nv\r\n") == "rep(kf,4294967295,0,7,v) ");
    CHECK(read_all("rep kf 4294967296 0 1 7\r\nv\r\n") == "!");
    CHECK(read_all("rep kf -2147483649 0 1 7\r\nv\r\n") == "!");
}

TEST_CASE("a CAS unique of a repcached is read in 64 bits and written in 32") {
    CHECK(read_all("rep k 0 0 1 18446744073709551615\r\nv\r\n") ==
          "rep(k,0,0,18446744073709551615,v) ");
    CHECK(read_all("rep k 0 0 1 18446744073709551616\r\nv\r\n") == "!");
    const std::uint64_t cas = (std::uint64_t{7} << 32) | 9;
    CHECK(written({.verb = LegacyVerb::upsert, .key = "k", .value = "v", .cas = cas}) ==
          "rep k 0 0 1 9\r\nv\r\n");
}

TEST_CASE("what is written to a repcached is what it writes itself, with flags unsigned") {
    CHECK(written({.verb = LegacyVerb::upsert,
                   .key = "k",
                   .value = "abc",
                   .flags = 4294967295,
                   .exptime = 1795356564,
                   .cas = 5}) == "rep k 4294967295 1795356564 3 5\r\nabc\r\n");
    CHECK(written({.verb = LegacyVerb::removal, .key = "k"}) == "delete k\r\n");
    CHECK(written({.verb = LegacyVerb::flush}) == "flush_all \r\n");
    CHECK(written({.verb = LegacyVerb::flush_later, .exptime = 1795356519}) ==
          "flush_all 1795356519\r\n");
    CHECK(written({.verb = LegacyVerb::end_of_dump}) == "marugoto_end\r\n");
}

TEST_CASE("the lines of a value are never read as commands") {
    CHECK(read_all("rep k 0 0 16 1\r\nab\r\nflush_all \r\n\r\n") ==
          "rep(k,0,0,1,ab\r\nflush_all \r\n) ");
    CHECK(read_all("rep k 0 0 13 1\r\n\r\nflush_all\r\n\r\n", 4) == "rep(k,0,0,0,too large) ");
}

TEST_CASE("a value that its line does not measure right ends the link") {
    CHECK(read_all("rep k 0 0 2 1\r\nabc\r\n") == "!");
    CHECK(read_all("rep k 0 0 4 1\r\nabc\r\nd") == "!");
    CHECK(read_all("rep k 0 0 5 1\r\nabcdefg", 4) == "!");
    CHECK(read_all("rep k 0 0 1073741825 1\r\n") == "!");
}

TEST_CASE("a value above the limit is passed over and its key is told, without keeping its bytes") {
    const std::string value(100'000, 'v');
    const auto line = "rep large 3 0 " + std::to_string(value.size()) + " 8\r\n";
    Fed fed(value.size() - 1);
    for (const char byte : line + value + "\r\ndelete next\r\n")
        fed.feed({&byte, 1});
    CHECK(fed.seen() == "rep(large,0,0,0,too large) delete(next) ");
    CHECK(fed.most_kept() < LegacyReader::line_limit);
    Fed whole(value.size());
    whole.feed(line + value + "\r\n");
    CHECK(whole.seen() == "rep(large,3,0,8," + value + ") ");
}

TEST_CASE("empty lines between the commands of a repcached are nothing, however many") {
    CHECK(read_all("\r\n\r\n\ndelete k\r\n\r\n") == "delete(k) ");
    CHECK(read_all(std::string(100'000, '\n') + "marugoto_end\r\n") == "end ");
}

TEST_CASE("what no repcached emits ends the link") {
    for (const std::string_view line :
         {"get k", "set k 0 0 1", "rep k 0 0 1", "rep k 0 0 1 2 3", "rep k x 0 1 2",
          "rep k 0 0 -1 2", "rep k 0 0 1 -2", "delete", "delete a 1 2", "delete a b", "flush_all x",
          "flush_all 1 2", "marugoto_end 1", "stats", "ERROR", "replica"}) {
        CAPTURE(line);
        CHECK(read_all(std::string(line) + "\r\n") == "!");
    }
    CHECK(read_all(std::string_view("delete a\0b\r\n", 12)) == "!");
    CHECK(read_all("delete " + std::string(250, 'k') + "\r\n") ==
          "delete(" + std::string(250, 'k') + ") ");
    CHECK(read_all("delete " + std::string(251, 'k') + "\r\n") == "!");
    CHECK(read_all("delete " + std::string(LegacyReader::line_limit, 'k')) == "!");
}

TEST_CASE("the commands of a repcached are the same at every split of their bytes") {
    const std::string bytes =
        "\r\nrep a 1 0 6 1\r\none\r\n2\r\nrep big 0 0 13 1\r\nabc\r\ndelete b\r\n"
        "delete b\r\nflush_all \r\nflush_all 12\r\nrep c -1 9 0 2\r\n\r\nmarugoto_end\r\n";
    const auto expected = read_all(bytes, 8);
    REQUIRE(expected ==
            "rep(a,1,0,1,one\r\n2) rep(big,0,0,0,too large) delete(b) flush flush(12) "
            "rep(c,4294967295,9,2,) end ");
    for (std::size_t first = 0; first <= bytes.size(); ++first) {
        for (std::size_t then = first; then <= std::min(first + 9, bytes.size()); ++then) {
            Fed fed(8);
            fed.feed(std::string_view(bytes).substr(0, first));
            fed.feed(std::string_view(bytes).substr(first, then - first));
            fed.feed(std::string_view(bytes).substr(then));
            if (fed.seen() != expected) FAIL("split at " << first << " and " << then);
        }
    }
}

TEST_CASE("what is written to a repcached reads as it was meant, whatever the value holds") {
    const auto seed = test::number_from("TWINCACHED_SEED", 20261129);
    CAPTURE(seed);
    lib::Random random(seed);
    for (int round = 0; round < 300; ++round) {
        std::string value(random.below(40), '\0');
        for (auto& byte : value)
            byte = "\r\n rep0dlt"[random.below(10)];
        const LegacyCommand command{.verb = LegacyVerb::upsert,
                                    .key = "key",
                                    .value = value,
                                    .flags = static_cast<std::uint32_t>(random.below(1U << 31)) * 2,
                                    .exptime = static_cast<std::int64_t>(random.below(1U << 31)),
                                    .cas = random.below(1U << 31)};
        const auto bytes = written(command) + written({.verb = LegacyVerb::flush});
        if (read_all(bytes) != text_of(command) + " flush ") FAIL("round " << round);
    }
}

TEST_CASE("a key that would be read as more than a key is not sent to a repcached") {
    CHECK(may_be_named("plain"));
    CHECK(may_be_named("\xC3\xA9t\xC3\xA9"));
    for (const std::string_view key : {"", "two words", "line\r\nflush_all", "tab\t", "\x7F", "\n"})
        CHECK_FALSE(may_be_named(key));
    CHECK_FALSE(may_be_named(std::string_view("zero\0", 5)));
}

TEST_CASE("a time beyond 32 bits with a sign is told as the last that a repcached can read") {
    LegacyCommand command{.verb = LegacyVerb::upsert, .key = "k", .value = "v"};
    constexpr std::int64_t last = 2'147'483'647;
    for (const std::int64_t time : {last, last + 1, std::int64_t{4'294'967'295}}) {
        command.exptime = time;
        CHECK(written(command) == "rep k 0 2147483647 1 0\r\nv\r\n");
    }
    command.exptime = last - 1;
    CHECK(written(command) == "rep k 0 2147483646 1 0\r\nv\r\n");
    CHECK(written({.verb = LegacyVerb::flush_later, .exptime = last + 1}) ==
          "flush_all 2147483647\r\n");
}

TEST_CASE("an item fits into a repcached if key, value and 81 bytes are within 1 MiB") {
    const std::string value(limit - 81 - 3, 'v');
    CHECK(fits({.verb = LegacyVerb::upsert, .key = "key", .value = value}));
    CHECK_FALSE(fits({.verb = LegacyVerb::upsert, .key = "key4", .value = value}));
    CHECK_FALSE(fits({.verb = LegacyVerb::upsert, .key = "key", .value = value + "v"}));
}

TEST_CASE("no frame of the pair begins as a repcached does") {
    CHECK_FALSE(begins_legacy('\xC7'));
    for (const char first : std::string_view("rdfm"))
        CHECK(begins_legacy(first));
}
