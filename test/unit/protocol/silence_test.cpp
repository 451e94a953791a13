// One answer for one request, and none for a request that says noreply: of every verb, right and
// wrong in every way. What follows must be answered next, else answers shift. The right values are
// those of memcached 1.6.45, read from its parser where nobody has observed it.
#include "lib/endian.hpp"
#include "test/unit/protocol/test_service.hpp"

#include <catch2/catch.hpp>

#include <string>
#include <vector>

namespace twincached::protocol::test {

namespace {

const std::string next_answer = "VERSION 1.6.45\r\n";
const std::string bad_line = "CLIENT_ERROR bad command line format\r\n";
const std::string bad_chunk = "CLIENT_ERROR bad data chunk\r\n";
const std::string bad_delta = "CLIENT_ERROR invalid numeric delta argument\r\n";
const std::string bad_exptime = "CLIENT_ERROR invalid exptime argument\r\n";
const std::string too_large = "SERVER_ERROR object too large for cache\r\n";
const std::string unknown = "ERROR\r\n";
const std::string long_key(251, 'k');

// heeded: with noreply the line is silent. deaf: noreply is not looked for, or not before the line
// is refused.
enum class Noreply : std::uint8_t { heeded, deaf };

struct Row {
    std::string line;
    std::string answer;
    Noreply noreply = Noreply::heeded;
    std::string data = "";   // what follows the line
    std::string after = "";  // what is left of the data as a line of its own is answered so
};

void prepare(Client& client) {
    client.say("set a 0 0 3\r\nabc\r\nset n 0 0 2\r\n10\r\n");
}

void check_answer(const std::string& request, const std::string& expected, std::size_t piece) {
    TestService service;
    Client client(service);
    prepare(client);
    INFO(request.substr(0, 300) << " in pieces of " << piece);
    CHECK(client.say(request + "version\r\n", piece) == expected + next_answer);
}

void check(const Row& row, std::size_t piece) {
    check_answer(row.line + "\r\n" + row.data, row.answer + row.after, piece);
    const bool silent = row.noreply == Noreply::heeded;
    const auto answer = silent ? std::string() : row.answer;
    check_answer(row.line + " noreply\r\n" + row.data, answer + row.after, piece);
    check_answer(row.line + "  noreply \n" + row.data, answer + row.after, piece);
}

void check_all(const std::vector<Row>& rows) {
    const auto piece = GENERATE(std::size_t{1}, std::size_t{3}, std::size_t{20}, SIZE_MAX);
    for (const auto& row : rows)
        check(row, piece);
}

std::string success_of(const std::string& verb) {
    if (verb == "add") return "NOT_STORED\r\n";
    return verb == "cas" ? "EXISTS\r\n" : "STORED\r\n";
}

}  // namespace

TEST_CASE("a storage line with noreply is silent once its length is known, whatever is wrong") {
    const std::string verb = GENERATE("set", "add", "replace", "append", "prepend", "cas");
    const std::string unique = verb == "cas" ? " 99999" : "";
    const auto line = [&](const std::string& words) { return verb + " " + words + unique; };
    const std::string large(1'048'577, 'x');
    std::vector<Row> rows{
        {line("a 0 0 1"), success_of(verb), Noreply::heeded, "x\r\n"},
        {line(long_key + " 0 0 1"), bad_line, Noreply::heeded, "x\r\n"},
        {line("a x 0 1"), bad_line, Noreply::heeded, "x\r\n"},
        {line("a -1 0 1"), bad_line, Noreply::heeded, "x\r\n"},
        {line("a 18446744073709551616 0 1"), bad_line, Noreply::heeded, "x\r\n"},
        {line("a 0 x 1"), bad_line, Noreply::heeded, "x\r\n"},
        {line("a 0 9223372036854775808 1"), bad_line, Noreply::heeded, "x\r\n"},
        {line("a 0 0 1"), bad_chunk, Noreply::heeded, "xyz"},
        {line("a 0 0 1"), bad_chunk, Noreply::heeded, "xy\r\n", bad_line},
        {line("a 0 0 1"), bad_chunk, Noreply::heeded, "x\nno\n", bad_line},
        {line("a 0 0 1") + " surplus words", success_of(verb), Noreply::heeded, "x\r\n"},
        // Without a length nobody looks for noreply, nor for a value.
        {line("a 0 0 x"), bad_line, Noreply::deaf},
        {line("a 0 0 -1"), bad_line, Noreply::deaf},
        {line("a 0 0 2147483646"), bad_line, Noreply::deaf},
        {line("a 0 0 99999999999999999999"), bad_line, Noreply::deaf},
    };
    if (verb != "cas") {
        rows.push_back({verb, bad_line, Noreply::deaf});
        rows.push_back({verb + " a", bad_line, Noreply::deaf});
        rows.push_back({verb + " a 0", bad_line, Noreply::deaf});
        rows.push_back({verb + " a 0 0", bad_line, Noreply::deaf});
    } else {
        for (const std::string wrong : {"", " x", " -1", " 18446744073709551616"})
            rows.push_back({"cas a 0 0 1" + wrong, bad_line, Noreply::heeded, "x\r\n"});
    }
    check_all(rows);
    check({line("a 0 0 1048577"), too_large, Noreply::heeded, large + "\r\n"}, SIZE_MAX);
    check_answer(line("a 0 0 1") + " noreply more\r\nx\r\n", success_of(verb), SIZE_MAX);
}

TEST_CASE("what would grow beyond the item size limit is not stored, in every dialect") {
    const std::string most(1'000'000, 'x');
    const std::string length = std::to_string(most.size());
    TestService service;
    Client client(service);
    client.say("set a 0 0 " + length + "\r\n" + most + "\r\n");
    for (const std::string verb : {"append", "prepend"}) {
        check({verb + " missing 0 0 1", "NOT_STORED\r\n", Noreply::heeded, "x\r\n"}, SIZE_MAX);
        const auto line = verb + " a 0 0 " + length;
        CHECK(client.say(line + "\r\n" + most + "\r\n") == "NOT_STORED\r\n");
        CHECK(client.say(line + " noreply\r\n" + most + "\r\nversion\r\n") == next_answer);
        const auto mode = verb == "append" ? " MA" : " MP";
        CHECK(client.say("ms a " + length + mode + "\r\n" + most + "\r\n") == "NS\r\n");
        CHECK(client.say("ms a " + length + mode + " q\r\n" + most + "\r\nmn\r\n") ==
              "NS\r\nMN\r\n");
    }
    CHECK(client.say("mg a s\r\n") == "HD s" + length + "\r\n");
}

TEST_CASE("a delete, an incr, a decr and a touch with noreply are silent, whatever is wrong") {
    std::vector<Row> rows{
        {"delete a", "DELETED\r\n"},
        {"delete missing", "NOT_FOUND\r\n"},
        {"delete a 0", "DELETED\r\n"},
        {"delete " + long_key, bad_line},
        {"touch a 100", "TOUCHED\r\n"},
        {"touch missing 100", "NOT_FOUND\r\n"},
        {"touch " + long_key + " 0", bad_line},
        {"touch a x", bad_exptime},
        {"touch a 99999999999999999999", bad_exptime},
        {"touch a 100 surplus", "TOUCHED\r\n"},
        {"touch", bad_line, Noreply::deaf},
        {"incr n 5", "15\r\n"},
        {"decr n 5", "5\r\n"},
    };
    for (const std::string verb : {"incr", "decr"}) {
        rows.push_back({verb + " missing 1", "NOT_FOUND\r\n"});
        rows.push_back({verb + " " + long_key + " 1", bad_line});
        rows.push_back({verb + " n x", bad_delta});
        rows.push_back({verb + " n -1", bad_delta});
        rows.push_back({verb + " n 18446744073709551616", bad_delta});
        rows.push_back({verb + " a 1", text_of(Answer::non_numeric).data()});
        rows.push_back({verb + " n 0 surplus", "10\r\n"});
        rows.push_back({verb, bad_line, Noreply::deaf});
    }
    check_all(rows);
}

TEST_CASE("a delete with noreply deletes, whatever words stand between") {
    for (const std::string words : {"", " 0", " 0 0", " 0 0 surplus", " a b c d e"})
        check_answer("delete n" + words + " noreply\r\nget n\r\n", "END\r\n", SIZE_MAX);
    check_answer("delete n 0 0 0\r\nincr n 0\r\n", bad_line + std::string("10\r\n"), SIZE_MAX);
}

TEST_CASE("noreply itself stands for the key or the number that is missing") {
    check_answer("delete noreply\r\n", "", SIZE_MAX);
    check_answer("delete\r\n", bad_line, SIZE_MAX);
    check_answer("incr n noreply\r\n", "", SIZE_MAX);
    check_answer("touch n noreply\r\n", "", SIZE_MAX);
    check_answer("incr n\r\n", bad_line, SIZE_MAX);
    check_answer("cas a 0 0 1 noreply\r\nx\r\n", "", SIZE_MAX);
    check_answer("set a 0 0 noreply\r\n", bad_line, SIZE_MAX);
}

TEST_CASE("an administrative or an unknown verb with noreply is silent, whatever is wrong") {
    check_all({
        {"flush_all", "OK\r\n"},
        {"flush_all 0", "OK\r\n"},
        {"flush_all x", bad_exptime},
        {"flush_all 99999999999", bad_exptime},
        {"verbosity 0", "OK\r\n"},
        {"verbosity", bad_line},
        {"verbosity x", bad_line},
        {"verbosity -1", bad_line},
        {"cache_memlimit 64", "OK\r\n"},
        {"cache_memlimit 1", "MEMLIMIT_TOO_SMALL cannot set maxbytes to less than 8m\r\n"},
        {"cache_memlimit 1073741824",
         "MEMLIMIT_ADJUST_FAILED input value is megabytes not bytes\r\n"},
        {"cache_memlimit x", unknown},
        {"shutdown", "SERVER_ERROR: shutdown not enabled\r\n"},
        {"slabs", unknown},
        {"slabs automove 1", "OK\r\n"},
        {"slabs automove x", bad_line},
        {"lru mode flat", "OK\r\n"},
        {"lru bogus", unknown},
        {"lru_crawler", unknown},
        {"lru_crawler crawl all", "OK\r\n"},
        {"lru_crawler sleep x", bad_line},
        {"lru_crawler metadump bogus", "BADCLASS invalid class id\r\n"},
        {"bogus", unknown},
        {"bogus a 0 0 1", unknown},
        {"GET a", unknown},
        {"gett a", unknown},
    });
}

TEST_CASE("what answers in any case does not know noreply") {
    check_all({
        {"version", next_answer, Noreply::deaf},
        {"mn", "MN\r\n", Noreply::deaf},
        {"stats bogus", unknown, Noreply::deaf},
        {"watch bogus", unknown, Noreply::deaf},
        {"refresh_certs", "Error TLS not enabled\r\n", Noreply::deaf},
        {"get missing", "END\r\n", Noreply::deaf},
        {"gets missing", "END\r\n", Noreply::deaf},
        {"gat 0 missing", "END\r\n", Noreply::deaf},
        {"gat x missing", bad_exptime, Noreply::deaf},
        {"get " + long_key, bad_line, Noreply::deaf},
    });
}

TEST_CASE("where a word too many is an error, noreply is one, and nothing is done") {
    for (const std::string line :
         {"lru_crawler metadump all", "lru_crawler mgdump all", "lru_crawler crawl 1",
          "lru_crawler sleep 5", "lru_crawler tocrawl 5", "lru_crawler disable",
          "slabs reassign 1 2"}) {
        check_answer(line + " noreply\r\n", "", SIZE_MAX);
        check_answer(line + " surplus\r\n", unknown, SIZE_MAX);
    }
    check_answer("lru_crawler disable noreply\r\nlru_crawler enable\r\n",
                 "ERROR failed to start lru crawler thread\r\n", SIZE_MAX);
}

TEST_CASE("a word that is missing, or out of its range, is told as memcached tells it") {
    const std::string too_low = "ERROR hot/warm age factors must be greater than 0\r\n";
    check_all({
        {"slabs automove window", bad_line, Noreply::heeded},
        {"slabs automove window 2", "CLIENT_ERROR automove window too low or too high\r\n"},
        {"slabs automove ratio", unknown},
        {"lru tune 10 25 0 2.0", too_low},
        {"lru tune 10 25 0.1 -1", too_low},
        {"lru tune 10 25 0.1 2.0", "OK\r\n"},
    });
    check_answer("ma n C0\r\n", "HD\r\n", SIZE_MAX);
    check_answer("ma n C99999\r\n", "EX\r\n", SIZE_MAX);
    check_answer("md n C0\r\n", "EX\r\n", SIZE_MAX);
}

TEST_CASE("a quiet meta command is silent when all is well, and told when anything is wrong") {
    struct Quiet {
        std::string line;
        std::string answer;  // with q
        std::string data = "";
    };
    const std::string bad_token = "CLIENT_ERROR bad token in command line format\r\n";
    const std::string bad_flag = "CLIENT_ERROR invalid flag\r\n";
    const std::string bad_arithmetic = "CLIENT_ERROR invalid or duplicate flag\r\n";
    const std::string non_numeric(text_of(Answer::non_numeric));
    const std::vector<Quiet> rows{
        {"mg a", "HD\r\n"},
        {"mg missing", ""},
        {"mg missing k", ""},
        {"mg " + long_key, bad_line},
        {"mg a Tx", bad_token},
        {"mg a Z", bad_flag},
        {"mg a v v", "CLIENT_ERROR duplicate flag\r\n"},
        {"mg !! b", "CLIENT_ERROR error decoding key\r\n"},
        {"mg a O" + std::string(32, 'o'), "CLIENT_ERROR opaque token too long\r\n"},
        {"md a", ""},
        {"md missing", "NF\r\n"},
        {"md a C99999", "EX\r\n"},
        {"md " + long_key, bad_line},
        {"md a Cx", bad_token},
        {"ma n", ""},
        {"ma n v", ""},
        {"ma missing", "NF\r\n"},
        {"ma missing N0", ""},
        {"ma a", non_numeric},
        {"ma n Dx", bad_arithmetic},
        {"ma n MX", "CLIENT_ERROR invalid mode for ma M token\r\n"},
        {"ma " + long_key, bad_line},
        {"ms a 1", "", "x\r\n"},
        {"ms a 1 ME", "NS\r\n", "x\r\n"},
        {"ms a 1 C99999", "EX\r\n", "x\r\n"},
        {"ms missing 1 C1", "NF\r\n", "x\r\n"},
        {"ms " + long_key + " 1", bad_line, "x\r\n"},
        {"ms a 1 Tx", bad_token, "x\r\n"},
        {"ms a 1 Fx", bad_line, "x\r\n"},
        {"ms a 1 MX", "CLIENT_ERROR invalid mode for ms M token\r\n", "x\r\n"},
        {"ms a 1", bad_chunk, "xyz"},
        {"ms a x", bad_line},
        {"ms a -1", bad_line},
    };
    const auto piece = GENERATE(std::size_t{1}, std::size_t{3}, SIZE_MAX);
    for (const auto& row : rows)
        check_answer(row.line + " q\r\n" + row.data, row.answer, piece);
    const std::string large(1'048'577, 'x');
    check_answer("ms a 1048577 q\r\n" + large + "\r\n", too_large, SIZE_MAX);
    check_answer("mg q\r\n", "EN\r\n", piece);
    check_answer("ms q\r\n", bad_line, piece);
}

// --- binary --------------------------------------------------------------------------------------

namespace {

template <class Number>
std::string big(Number number) {
    std::string bytes(sizeof number, '\0');
    lib::store_big(bytes.data(), number);
    return bytes;
}

std::string packet(std::uint8_t opcode, const std::string& key = "", const std::string& extras = "",
                   const std::string& value = "", std::uint64_t cas = 0) {
    std::string text{'\x80', static_cast<char>(opcode)};
    text += big(static_cast<std::uint16_t>(key.size()));
    text += static_cast<char>(extras.size());
    text += std::string(3, '\0');
    text += big(static_cast<std::uint32_t>(key.size() + extras.size() + value.size()));
    return text + "opaq" + big(cas) + extras + key + value;
}

// The opcodes and the statuses that were answered.
std::vector<std::pair<int, int>> answers_to(const std::string& request, std::size_t piece) {
    TestService service;
    Client(service).say("set a 0 0 3\r\nabc\r\nset n 0 0 2\r\n10\r\n");
    const auto answers = Client(service).say(request, piece);
    std::vector<std::pair<int, int>> found;
    for (std::size_t at = 0; at + 24 <= answers.size();) {
        found.emplace_back(static_cast<unsigned char>(answers[at + 1]),
                           lib::load_big<std::uint16_t>(answers.data() + at + 6));
        at += 24 + lib::load_big<std::uint32_t>(answers.data() + at + 8);
    }
    return found;
}

}  // namespace

TEST_CASE("a quiet packet is silent when all is well, and told when anything is wrong") {
    const std::string set_extras(8, '\0');
    const std::string touch_extras = big(std::uint32_t{100});
    const auto count_extras = [](std::uint32_t exptime) {
        return big(std::uint64_t{1}) + big(std::uint64_t{5}) + big(exptime);
    };
    constexpr std::uint32_t never = 0xffffffff;
    constexpr int ok = 0, missing = 1, exists = 2, large = 3, not_stored = 5, non_numeric = 6,
                  unknown_command = 0x81, noop = 0x0a, silent = -1;
    const std::string long_value(1'048'577, 'x');
    struct Quiet {
        std::string request;
        int opcode;
        int status;
    };
    const std::vector<Quiet> rows{
        {packet(0x09, "a"), 0x09, ok},
        {packet(0x09, "missing"), 0x09, silent},
        {packet(0x0d, "missing"), 0x0d, silent},
        {packet(0x1e, "missing", touch_extras), 0x1e, silent},
        {packet(0x24, "missing", touch_extras), 0x24, silent},
        {packet(0x11, "a", set_extras, "x"), 0x11, silent},
        {packet(0x11, "a", set_extras, "x", 99999), 0x11, exists},
        {packet(0x11, "a", set_extras, long_value), 0x11, large},
        {packet(0x12, "a", set_extras, "x"), 0x12, exists},
        {packet(0x12, "new", set_extras, "x"), 0x12, silent},
        {packet(0x13, "a", set_extras, "x"), 0x13, silent},
        {packet(0x13, "missing", set_extras, "x"), 0x13, missing},
        {packet(0x19, "a", "", "x"), 0x19, silent},
        {packet(0x19, "missing", "", "x"), 0x19, not_stored},
        {packet(0x1a, "missing", "", "x"), 0x1a, not_stored},
        {packet(0x19, "a", "", std::string(1'048'515, 'x')), 0x19, not_stored},
        {packet(0x14, "a"), 0x14, silent},
        {packet(0x14, "missing"), 0x14, missing},
        {packet(0x14, "a", "", "", 99999), 0x14, exists},
        {packet(0x15, "n", count_extras(never)), 0x15, silent},
        {packet(0x15, "missing", count_extras(never)), 0x15, missing},
        {packet(0x15, "missing", count_extras(0)), 0x15, silent},
        {packet(0x15, "a", count_extras(0)), 0x15, non_numeric},
        {packet(0x16, "a", count_extras(0)), 0x16, non_numeric},
        {packet(0x18), 0x18, silent},
        {packet(0x60, "a"), 0x60, unknown_command},
    };
    const auto piece = GENERATE(std::size_t{7}, SIZE_MAX);
    for (const auto& row : rows) {
        if (piece != SIZE_MAX && row.request.size() > 1000) continue;
        std::vector<std::pair<int, int>> expected;
        if (row.status != silent) expected.emplace_back(row.opcode, row.status);
        expected.emplace_back(noop, ok);
        INFO("opcode " << row.opcode << ", status " << row.status);
        CHECK(answers_to(row.request + packet(noop), piece) == expected);
    }
}

}  // namespace twincached::protocol::test
