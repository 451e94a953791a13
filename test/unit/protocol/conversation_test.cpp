#include "protocol/conversation.hpp"

#include "test/unit/protocol/test_service.hpp"
#include "test/unit/rounds.hpp"

#include <catch2/catch.hpp>

#include <string>

namespace twincached::protocol::test {

namespace {

std::string value_of(std::size_t size) {
    std::string value(size, '.');
    for (std::size_t i = 0; i < size; ++i)
        value[i] = static_cast<char>('a' + i % 23);
    return value;
}

std::string set_line(std::string_view key, const std::string& value, std::string_view suffix = "") {
    return "set " + std::string(key) + " 0 0 " + std::to_string(value.size()) +
           std::string(suffix) + "\r\n" + value + "\r\n";
}

std::string hit(std::string_view key, const std::string& value) {
    return "VALUE " + std::string(key) + " 0 " + std::to_string(value.size()) + "\r\n" + value +
           "\r\n";
}

constexpr std::size_t large_size = 300'000;

}  // namespace

TEST_CASE("a conversation gives the same answers at every split of its input") {
    const std::string conversation =
        "set a 5 0 3\r\nabc\r\nget a\r\nget a b\r\nget b\r\nget a\r\n gets a \r\n"
        "set b 0 0 3\r\nabcd\r\nappend a 0 0 1 \r\nd\r\nget   a  \r\n"
        "set n 0 0 2\r\n10\r\nincr n 5\r\ndecr n 10\r\nget n\nbogus\r\n\r\n"
        "cas a 0 0 1\r\nx\r\nset c 0 0 1 noreply\r\nc\r\nget c\r\ndelete c noreply\r\nget c\r\n"
        "gat 100 a b\r\ntouch a 0\r\nset x 0 0 2000000\r\n" +
        value_of(2'000'000 % 1000) + "";
    std::string expected;
    {
        TestService service;
        expected = Client(service).say(conversation);
    }
    CHECK(expected.starts_with("STORED\r\nVALUE a 5 3\r\nabc\r\nEND\r\n"));
    for (std::size_t cut = 1; cut < conversation.size(); ++cut) {
        TestService service;
        Client client(service);
        auto answers = client.say(conversation.substr(0, cut));
        answers += client.say(conversation.substr(cut));
        INFO("cut at " << cut);
        REQUIRE(answers == expected);
    }
}

TEST_CASE("a large value comes back whole however it is split") {
    const auto value = value_of(large_size);
    const auto piece =
        GENERATE(std::size_t{1'000}, std::size_t{16'384}, std::size_t{70'001}, SIZE_MAX);
    TestService service;
    Client client(service);
    CHECK(client.say(set_line("big", value) + "get big\r\n", piece) ==
          "STORED\r\n" + hit("big", value) + "END\r\n");
    CHECK(client.conversation().at_boundary());
}

TEST_CASE("a large value is read straight into its place") {
    const auto value = value_of(large_size);
    TestService service;
    Client client(service);
    client.say(set_line("big", value).substr(0, 100));
    CHECK(client.conversation().phase() == ConversationPhase::in_value);
    CHECK(client.input().empty());
    CHECK(client.conversation().value_target().size() > large_size - 100);
    CHECK(client.conversation().value_target().size() < large_size);
}

TEST_CASE("a large value is sent from where it lies") {
    const auto value = value_of(large_size);
    TestService service;
    Client client(service);
    client.say(set_line("big", value));
    client.input().append("get big\r\n");
    const auto next = client.conversation().advance(client.input(), client.output(), client.now);
    CHECK(next == Next::read_more);
    std::string_view segments[4];
    CHECK(client.output().gather(segments) == 3);
    CHECK(segments[1] == value);
    Client(service).say("delete big\r\n");
    Client(service).say(set_line("big", std::string(large_size, 'n')));
    CHECK(segments[1] == value);
}

TEST_CASE("a half-received value does not show, and is forgotten with its client") {
    TestService service;
    {
        Client client(service);
        client.say("set big 0 0 300000\r\nhalf of it");
        CHECK(Client(service).say("get big\r\n") == "END\r\n");
    }
    CHECK(Client(service).say("get big\r\n") == "END\r\n");
}

TEST_CASE("a value that does not end in a line end is refused whatever its size") {
    const auto size = GENERATE(std::size_t{3}, large_size);
    TestService service;
    Client client(service);
    auto line = set_line("k", value_of(size));
    line[line.size() - 2] = 'x';
    CHECK(client.say(line) == "CLIENT_ERROR bad data chunk\r\n");
    CHECK(client.say("get k\r\n") == "END\r\n");
}

TEST_CASE("a value that is too large is swallowed, and what the key held is gone") {
    TestService service;
    Client client(service);
    const auto piece = GENERATE(std::size_t{10'000}, SIZE_MAX);
    client.say(set_line("k", "old"));
    CHECK(client.say(set_line("k", value_of(1 << 20)) + "get k\r\n", piece) ==
          "SERVER_ERROR object too large for cache\r\nEND\r\n");
    CHECK(service.total(Count::store_too_large) == 1);
}

TEST_CASE("of the storage verbs a set alone loses the old value to one that is too large") {
    TestService service;
    Client client(service);
    for (const std::string verb : {"add", "replace", "append", "prepend", "cas"}) {
        client.say(set_line("k", "old"));
        const std::string unique = verb == "cas" ? " 1" : "";
        client.say(verb + " k 0 0 1048577" + unique + " noreply\r\n" + value_of(1 << 20) + "x\r\n");
        CHECK(client.say("get k\r\n") == "VALUE k 0 3\r\nold\r\nEND\r\n");
    }
}

TEST_CASE("the item size limit counts as memcached counts") {
    TestService service;
    Client client(service);
    CHECK(client.say(set_line("k", value_of(1'047'552))) == "STORED\r\n");
    CHECK(client.say(set_line("k", value_of(1'049'600))) ==
          "SERVER_ERROR object too large for cache\r\n");
}

TEST_CASE("noreply silences success, failure and refusal, and nothing else") {
    TestService service;
    Client client(service);
    CHECK(client.say(set_line("k", "v", " noreply")).empty());
    CHECK(client.say("add k 0 0 1 noreply\r\nx\r\n").empty());
    CHECK(client.say("incr k 1 noreply\r\ndecr q 1 noreply\r\ntouch k 0 noreply\r\n").empty());
    CHECK(client.say("delete k noreply\r\ndelete k noreply\r\n").empty());
    CHECK(client.say("flush_all noreply\r\nflush_all 0 noreply\r\n").empty());
    CHECK(client.say("verbosity 1 noreply\r\ncache_memlimit 64 noreply\r\n").empty());
    CHECK(client.say(set_line("k", value_of(2 << 20), " noreply")).empty());
    CHECK(client.say("set k 0 abc 1 noreply\r\nx\r\n").empty());
    CHECK(client.say("get k\r\n") == "END\r\n");
}

TEST_CASE("a pipeline of any depth is answered in order") {
    TestService service;
    Client client(service);
    std::string requests;
    std::string expected;
    for (int i = 0; i < 1000; ++i) {
        const auto key = "key" + std::to_string(i);
        requests += set_line(key, std::to_string(i)) + "get " + key + "\r\nget none" + key + "\r\n";
        expected += "STORED\r\n" + hit(key, std::to_string(i)) + "END\r\nEND\r\n";
    }
    CHECK(client.say(requests) == expected);
}

TEST_CASE("a run of pipelined gets is answered in order, each with its END") {
    TestService service;
    Client client(service);
    service.settings_to_change().requests_per_event = 1000;
    std::string requests;
    std::string expected;
    for (int i = 0; i < 100; ++i) {
        const auto key = "key" + std::to_string(i);
        if (i % 3 != 0) client.say(set_line(key, std::to_string(i)));
        requests += "get " + key + "\r\n";
        expected += i % 3 != 0 ? hit(key, std::to_string(i)) + "END\r\n" : "END\r\n";
    }
    CHECK(client.say(requests) == expected);
    CHECK(service.total(Count::cmd_get) == 100);
    CHECK(service.total(Count::get_hits) == 66);
    CHECK(service.total(Count::get_misses) == 34);
}

TEST_CASE("after its budget of commands a conversation lets others run") {
    TestService service;
    service.settings_to_change().requests_per_event = 1;
    Client client(service);
    std::string requests;
    for (int i = 0; i < 6; ++i)
        requests += set_line("k", "v");
    client.say(requests);
    CHECK(std::count(client.last_steps.begin(), client.last_steps.end(), Next::yield) == 5);
    CHECK(service.total(Count::conn_yields) == 5);
}

TEST_CASE("the budget counts every get of a run") {
    TestService service;
    service.settings_to_change().requests_per_event = 10;
    Client client(service);
    std::string requests;
    for (int i = 0; i < 25; ++i)
        requests += "get k\r\n";
    client.say(requests);
    CHECK(client.last_steps == std::vector{Next::yield, Next::yield, Next::read_more});
}

TEST_CASE("output stops at the high-water mark and goes on when it was written") {
    TestService service;
    service.settings_to_change().output_high_water_bytes = 4000;
    Client client(service);
    const auto value = value_of(1000);
    std::string line = "gets";
    std::string touching = "gat 0";
    for (int i = 0; i < 200; ++i) {
        client.say(set_line("k" + std::to_string(i), value));
        line += " k" + std::to_string(i);
        touching += " k" + std::to_string(i);
    }
    client.input().append(line + "\r\n");
    CHECK(client.conversation().advance(client.input(), client.output(), client.now) ==
          Next::write_first);
    CHECK(client.output().size() < 4000 + 32 * 1100);
    const auto answers = client.hear();
    CHECK(answers.size() > 200 * 1000);
    CHECK(answers.ends_with("END\r\n"));
    const auto touched = client.say(touching + "\r\n");
    CHECK(touched.size() > 200 * 1000);
    CHECK(touched.ends_with(hit("k199", value) + "END\r\n"));
    CHECK(std::count(client.last_steps.begin(), client.last_steps.end(), Next::write_first) > 40);
}

TEST_CASE(
    "the values of one answer are within the limit of clients' memory, until a part has left") {
    TestService service;
    Client client(service);
    std::string few = "get";
    for (int i = 0; i < 64; ++i) {
        client.say(set_line("k" + std::to_string(i), value_of(1000)));
        few += " k" + std::to_string(i);
    }
    const auto refused = "SERVER_ERROR out of memory writing get response\r\n";
    for (const std::uint64_t values : {63U, 64U, 65U}) {
        service.counters.memory.set_limit(values * ClientMemory::answer_bytes);
        INFO("a limit of " << values << " values");
        const auto answer = client.say(few + "\r\n");
        CHECK((answer == refused) == (values < 64));
        CHECK(answer.ends_with(values < 64 ? refused : "END\r\n"));
    }
    // With a part of it gone the client reads, and needs no more than that.
    service.settings_to_change().output_high_water_bytes = 4000;
    service.counters.memory.set_limit(33 * ClientMemory::answer_bytes);
    CHECK(client.say(few + "\r\n").ends_with(hit("k63", value_of(1000)) + "END\r\n"));
    service.counters.memory.set_limit(31 * ClientMemory::answer_bytes);
    CHECK(client.say(few + "\r\n") == refused);
}

TEST_CASE("a get of very many keys lets others run after so many of them") {
    TestService service;
    Client client(service);
    client.say(set_line("k9", "v"));
    std::string keys;
    constexpr int count = 100'000;
    for (int i = 0; i < count; ++i)
        keys += " k" + std::to_string(i);
    for (const std::string verb : {"get", "gets", "gat 0", "gats 0"}) {
        client.last_steps.clear();
        const auto before = service.total(Count::get_misses) + service.total(Count::touch_misses);
        const auto answer = client.say(verb + keys + "\r\n");
        CHECK(answer.starts_with("VALUE k9 0 1"));
        CHECK(answer.ends_with("\r\nv\r\nEND\r\n"));
        CHECK(service.total(Count::get_misses) + service.total(Count::touch_misses) >=
              before + count - 1);
        // 4096 at most at once, and the line was looked over besides.
        CHECK(std::count(client.last_steps.begin(), client.last_steps.end(), Next::yield) >= 24);
    }
    CHECK(client.say("mn\r\n") == "MN\r\n");
}

TEST_CASE("gets that come together share the keys that may be looked up at once") {
    TestService service;
    Client client(service);
    std::string line = "get";
    for (int i = 0; i < 500; ++i)
        line += " k";
    std::string lines;
    for (int i = 0; i < 20; ++i)
        lines += line + "\r\n";
    CHECK(client.say(lines).size() == 20 * std::string_view("END\r\n").size());
    CHECK(std::count(client.last_steps.begin(), client.last_steps.end(), Next::yield) >= 2);
}

TEST_CASE("a long line is refused for any word that is no key, and answers nothing of the others") {
    TestService service;
    Client client(service);
    client.say(set_line("k", "v"));
    const auto refusal = std::string(text_of(Answer::bad_line));
    std::string many;
    for (int i = 0; i < twincached::test::rounds(3'000'000, 100'000); ++i)
        many += " k";
    for (const std::string verb : {"get", "gets", "gat 0", "gats 0"}) {
        CHECK(client.say(verb + many + " " + value_of(251) + "\r\n") == refusal);
        CHECK(client.say(verb + std::string(5000, ' ') + "\r\n") == refusal);
        CHECK(client.say(verb + " " + value_of(5000) + "\r\n") == refusal);
        CHECK(client.say(verb + std::string(5000, ' ') + "k\r\n").ends_with("v\r\nEND\r\n"));
    }
    const auto bad_exptime = std::string(text_of(Answer::bad_exptime));
    CHECK(client.say("gat x" + std::string(5000, ' ') + "k\r\n") == bad_exptime);
    CHECK(client.say("gat " + std::string(5000, ' ') + "10 k\r\n") == bad_exptime);
    CHECK_FALSE(client.closed);
}

TEST_CASE("a long line that begins with many blanks is hung up on, as by memcached") {
    TestService service;
    Client patient(service);
    CHECK(patient.say(std::string(100, ' ') + "get" + std::string(3000, ' ') + "k\r\n") ==
          "END\r\n");
    Client blank(service);
    blank.say(std::string(101, ' ') + "get" + std::string(3000, ' ') + "k\r\n");
    CHECK(blank.closed);
}

TEST_CASE("a gat whose exptime does not end within the first 2,048 bytes is refused") {
    TestService service;
    Client client(service);
    client.say(set_line("5", "v"));
    // A time of two digits that ends a byte before that, at it, and beyond.
    for (const std::size_t blanks : {2045U, 2046U, 2047U}) {
        const auto line = "gat" + std::string(blanks, ' ') + "15 5\r\n";
        INFO(blanks << " blanks");
        const auto answer = client.say(line);
        const bool is_whole = blanks <= 2045;
        CHECK(answer ==
              (is_whole ? hit("5", "v") + "END\r\n" : "CLIENT_ERROR invalid exptime argument\r\n"));
    }
}

TEST_CASE("a line without an end is cut off, unless it asks for keys") {
    TestService service;
    SECTION("any other line closes") {
        Client client(service);
        CHECK(client.say("set " + std::string(2044, 'x')).empty());
        CHECK_FALSE(client.closed);
        client.say("x");
        CHECK(client.closed);
    }
    SECTION("a line of 2,048 bytes is one, of a byte more it is not, with or without CR") {
        for (const std::string end : {"\n", "\r\n"}) {
            const std::string longest = "delete " + std::string(2049 - 7 - end.size(), 'x') + end;
            Client fits(service);
            CHECK(fits.say(longest + "mn\r\n") == "CLIENT_ERROR bad command line format\r\nMN\r\n");
            Client closes(service);
            CHECK(closes.say("x" + longest).empty());
            CHECK(closes.closed);
        }
    }
    SECTION("also when its end comes in the same packet") {
        Client client(service);
        CHECK(client.say("delete k " + std::string(3000, 'x') + "\r\n").empty());
        CHECK(client.closed);
    }
    SECTION("a retrieval may be hundreds of kilobytes long") {
        Client client(service);
        client.say(set_line("k", "v"));
        std::string line = "get";
        for (int i = 0; i < 20'000; ++i)
            line += " missing" + std::to_string(i);
        CHECK(client.say(line + " k\r\n", 16'384) == hit("k", "v") + "END\r\n");
        CHECK_FALSE(client.closed);
    }
    SECTION("but not without any limit") {
        Client client(service);
        const std::string keys(1 << 20, 'k');
        client.say("get ");
        for (int i = 0; i < 9 && !client.closed; ++i)
            client.say(keys);
        CHECK(client.closed);
    }
}

TEST_CASE("a bad key in a list refuses the whole list") {
    TestService service;
    Client client(service);
    client.say(set_line("k", "v"));
    CHECK(client.say("get k " + std::string(251, 'x') + " k\r\nget k\r\n") ==
          "CLIENT_ERROR bad command line format\r\n" + hit("k", "v") + "END\r\n");
    CHECK(client.say("get " + std::string(251, 'x') + "\r\n") ==
          "CLIENT_ERROR bad command line format\r\n");
}

TEST_CASE("an HTTP client is closed without a word") {
    TestService service;
    const std::string line =
        GENERATE("GET / HTTP/1.1", "GET /x", "PUT x", "POST /", "DELETE /x", "OPTIONS * HTTP/1.1");
    Client client(service);
    CHECK(client.say(line + "\r\nHost: x\r\n\r\n").empty());
    CHECK(client.closed);
}

TEST_CASE("upper case is no HTTP by itself") {
    TestService service;
    Client client(service);
    CHECK(client.say("GET a\r\nPUT x\r\n") == "ERROR\r\nERROR\r\n");
    CHECK_FALSE(client.closed);
}

TEST_CASE("quit closes, and what was asked before it is answered") {
    TestService service;
    Client client(service);
    CHECK(client.say("version\r\nquit\r\nversion\r\n") == "VERSION 1.6.45\r\n");
    CHECK(client.closed);
}

TEST_CASE("shutdown must be allowed") {
    TestService service;
    CHECK(Client(service).say("shutdown\r\n") == "SERVER_ERROR: shutdown not enabled\r\n");
    service.settings_to_change().shutdown_enabled = true;
    for (const std::string mode : {"now", "graceful now", "now graceful"}) {
        CHECK(Client(service).say("shutdown " + mode + "\r\n") ==
              "CLIENT_ERROR invalid shutdown mode\r\n");
    }
    CHECK(Client(service).say("shutdown graceful noreply\r\nmn\r\n") == "MN\r\n");
    CHECK_FALSE(service.stopped);
    Client client(service);
    CHECK(client.say("shutdown graceful\r\n").empty());
    CHECK(client.closed);
    CHECK(service.stopped_gracefully);
}

TEST_CASE("nobody moves the server's clocks unless it was started for tests") {
    TestService service;
    Client client(service);
    CHECK(client.say("debugtime 5\r\n") == "ERROR\r\n");
    CHECK(service.clock_changes.empty());
    service.settings_to_change().test_commands = true;
    CHECK(client.say("debugtime 5\r\ndebugtime -7\r\ndebugtime p\r\ndebugtime r\r\n") ==
          "OK\r\nOK\r\nOK\r\nOK\r\n");
    REQUIRE(service.clock_changes.size() == 4);
    CHECK(service.clock_changes[0].seconds == 5);
    CHECK(service.clock_changes[1].seconds == -7);
    CHECK(service.clock_changes[2].action == ClockChange::Action::pause);
    CHECK(service.clock_changes[3].action == ClockChange::Action::resume);
    for (const auto* bad : {"debugtime\r\n", "debugtime x\r\n", "debugtime 99999999999\r\n"})
        CHECK(client.say(bad) == "ERROR\r\n");
    CHECK(service.clock_changes.size() == 4);
}

TEST_CASE("with CAS switched off clients see 0") {
    TestService service;
    service.settings_to_change().cas_enabled = false;
    Client client(service);
    client.say(set_line("k", "v"));
    CHECK(client.say("gets k\r\n") == "VALUE k 0 1 0\r\nv\r\nEND\r\n");
}

TEST_CASE("flush_all can be forbidden, delayed and taken back") {
    TestService service;
    Client client(service);
    client.say(set_line("k", "v"));
    SECTION("forbidden") {
        service.settings_to_change().flush_enabled = false;
        for (const std::string words : {"", " 10", " abc"}) {
            CHECK(client.say("flush_all" + words + "\r\n") ==
                  "CLIENT_ERROR flush_all not allowed\r\n");
        }
        CHECK(service.total(Count::cmd_flush) == 3);
        CHECK(client.say("get k\r\n") == hit("k", "v") + "END\r\n");
    }
    SECTION("at once, and what comes after it in the same second stays") {
        CHECK(client.say("flush_all\r\nget k\r\n") == "OK\r\nEND\r\n");
        CHECK(client.say(set_line("k", "w") + "get k\r\n") ==
              "STORED\r\n" + hit("k", "w") + "END\r\n");
    }
    SECTION("later") {
        CHECK(client.say("flush_all 10\r\nget k\r\n") == "OK\r\n" + hit("k", "v") + "END\r\n");
        client.now.steady_ms += 10'001;
        client.now.version_ms += 10'001;
        service.store().maintain(client.now);
        CHECK(client.say("get k\r\n") == "END\r\n");
    }
    SECTION("at a time that is none, which is counted too") {
        CHECK(client.say("flush_all abc\r\n") == "CLIENT_ERROR invalid exptime argument\r\n");
        CHECK(service.total(Count::cmd_flush) == 1);
        CHECK(client.say("get k\r\n") == hit("k", "v") + "END\r\n");
    }
    SECTION("a flush at once takes the place of a later one") {
        client.say("flush_all 10\r\nflush_all\r\n" + set_line("k", "w"));
        client.now.steady_ms += 10'001;
        client.now.version_ms += 10'001;
        service.store().maintain(client.now);
        CHECK(client.say("get k\r\n") == hit("k", "w") + "END\r\n");
    }
}

TEST_CASE("an exptime beyond thirty days is an absolute time") {
    TestService service;
    Client client(service);
    CHECK(client.say("add k 0 2678400 0\r\n\r\nget k\r\n") == "STORED\r\nEND\r\n");
}

TEST_CASE("an idle conversation holds nothing") {
    TestService service;
    Client client(service);
    CHECK(client.conversation().phase() == ConversationPhase::idle);
    client.say("get");
    CHECK(client.conversation().phase() == ConversationPhase::in_line);
    client.say(" k\r\nset k 0 0 10\r\nab");
    CHECK(client.conversation().phase() == ConversationPhase::in_value);
    client.say("cdefghij\r\nset k 0 0 2000000\r\nab");
    CHECK(client.conversation().phase() == ConversationPhase::swallowing);
    CHECK_FALSE(client.conversation().at_boundary());
    client.say(std::string(2'000'000, 'x'));
    CHECK(client.conversation().phase() == ConversationPhase::idle);
    CHECK(client.input().empty());
    CHECK(sizeof(Conversation) <= 200);
}

TEST_CASE("answers of pipelined requests wait within the high-water mark, whatever is asked for") {
    constexpr std::size_t mark = 4000;
    const std::string value(1000, 'v');
    TestService service;
    service.settings_to_change().output_high_water_bytes = mark;
    service.settings_to_change().requests_per_event = 1'000'000;
    Client client(service);
    client.say("set k 0 0 1000\r\n" + value + "\r\n");
    for (const std::string request : {"get k\r\n", "mg k v\r\n", "gat 0 k\r\n"}) {
        INFO(request);
        for (int i = 0; i < 500; ++i)
            client.input().append(request);
        std::size_t most = 0;
        unsigned pauses = 0;
        while (!client.input().empty()) {
            const auto next =
                client.conversation().advance(client.input(), client.output(), client.now);
            most = std::max(most, client.output().size());
            if (next == Next::write_first) ++pauses;
            client.output().consume(client.output().size());
        }
        CHECK(most <= mark + Executor::batch_limit * (value.size() + 100));
        CHECK(pauses >= 500 / (mark / value.size() + 1 + Executor::batch_limit));
    }
}

TEST_CASE(
    "what stands where a flag should and is no letter spoils the line, a letter only itself") {
    TestService service;
    const std::string bad = "CLIENT_ERROR bad command line format\r\n";
    const std::string invalid = "CLIENT_ERROR invalid flag\r\n";
    for (const char sign : std::string_view("5@{-\x7F")) {
        INFO(sign);
        Client client(service);
        CHECK(client.say(std::string("mg k ") + sign + "\r\nmn\r\n") == bad + "MN\r\n");
        // Not even the length is believed: what follows is a line.
        CHECK(client.say(std::string("ms k 2 ") + sign + "\r\nhi\r\n") == bad + "ERROR\r\n");
    }
    for (const char letter : std::string_view("AZ[_z")) {
        INFO(letter);
        Client client(service);
        CHECK(client.say(std::string("ms k 2 ") + letter + "\r\nhi\r\nmn\r\n") ==
              invalid + "MN\r\n");
    }
}

}  // namespace twincached::protocol::test
