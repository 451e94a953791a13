#include "app/twinctl/admin_client.hpp"
#include "app/twinctl/arguments.hpp"
#include "app/twinctl/check.hpp"
#include "app/twinctl/history.hpp"
#include "app/twinctl/order.hpp"
#include "app/twinctl/plain_text.hpp"
#include "app/twinctl/status_screen.hpp"
#include "app/twinctl/top_screen.hpp"
#include "test/unit/app/endpoint/fake_node.hpp"

#include <catch2/catch.hpp>

#include <string>
#include <vector>

namespace twincached::app {
namespace {

using test::FakeNode;

// As it would be shown after the node has answered.
NodeStatus shown(const FakeNode& node, const std::string& at = "host-a:11280") {
    return node_status(at, node.ask("/status").body);
}

FakeNode busy_node() {
    auto node = FakeNode::linked();
    node.standing.node = "a";
    node.standing.lag_ms = 7;
    node.standing.unacked = 3;
    node.figures = {{lib::gauge("curr_items", "h"), "2048"},
                    {lib::gauge("curr_connections", "h"), "5"},
                    {lib::gauge("max_connections", "h"), "1024"},
                    {lib::gauge("memory_used", "h"), "1572864"},
                    {lib::gauge("limit_maxbytes", "h"), "67108864"},
                    {lib::gauge("uptime", "h"), "3725"},
                    {lib::gauge("repl_state_age", "h"), "61"},
                    {lib::gauge("repl_last_contact_age", "h"), "5"},
                    {lib::text("repl_last_event", "h"), "SYNCING -> LINKED"}};
    return node;
}

bool has(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("the nodes of this machine are found among its unix sockets, each once") {
    const std::string table =
        "Num       RefCount Protocol Flags    Type St Inode Path\n"
        "0000: 00000002 00000000 00010000 0001 01 11 @twincached/admin/200\n"
        "0000: 00000003 00000000 00000000 0001 03 12 @twincached/admin/200\n"
        "0000: 00000002 00000000 00010000 0001 01 13 @twincached/admin/100.2\n"
        "0000: 00000002 00000000 00010000 0001 01 14 /run/twincached/admin.sock\n"
        "0000: 00000002 00000000 00010000 0001 01 15\n"
        "0000: 00000002 00000000 00010000 0001 01 16 @other";
    const auto nodes = local_nodes_in(table);
    REQUIRE(nodes.size() == 2);
    CHECK(nodes[0].text == "pid 100.2");
    CHECK(nodes[1].unix_socket == std::string("\0twincached/admin/200", 21));
    CHECK(local_nodes_in("").empty());
}

TEST_CASE("a node is named by a path, or by an address with a port") {
    CHECK(parse_node_address("/a/b")->unix_socket == "/a/b");
    CHECK(parse_node_address("host-a:11280")->endpoint.port == 11280);
    CHECK(parse_node_address("[::1]:11280")->endpoint.host == "::1");
    for (const auto* text : {"host-a", "", ":11280", "11280", "host:0"}) {
        INFO(text);
        CHECK(parse_node_address(text).has_error());
    }
}

TEST_CASE("an answer is one of HTTP, or says what came instead") {
    CHECK(parse_admin_answer("HTTP/1.1 503 Service Unavailable\r\nA: b\r\n\r\nnot yet\n")->status ==
          503);
    CHECK(parse_admin_answer("HTTP/1.1 200 OK\r\n\r\nbody")->body == "body");
    CHECK(has(parse_admin_answer("").error(), "without an answer"));
    for (const auto* bytes :
         {"ERROR\r\n", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 xyz\r\n\r\n", "HTTP/1.1 "})
        CHECK(has(parse_admin_answer(bytes).error(), "no admin endpoint"));
}

TEST_CASE("the command line names a command, nodes and times with their units") {
    const auto arguments = parse_arguments(
        {"--host", "a:1", "--socket", "/s", "check", "synchronised", "--lag", "100ms", "--json"});
    REQUIRE(arguments.has_value());
    CHECK(arguments->command == "check");
    CHECK(arguments->check == "synchronised");
    CHECK(arguments->nodes.size() == 2);
    CHECK(arguments->lag == std::chrono::milliseconds(100));
    CHECK(arguments->is_json);
    CHECK(parse_arguments({"top", "--interval", "2s", "--count", "3"})->rounds == 3);
    CHECK(parse_arguments({"--help"})->command == "help");
    CHECK(parse_arguments({"-V"})->command == "version");
}

TEST_CASE("a command line that makes no sense is refused with one sentence") {
    const std::vector<std::vector<std::string>> wrong{
        {},
        {"promot"},
        {"status", "all"},
        {"check", "everything"},
        {"check", "ready", "now"},
        {"status", "--host"},
        {"status", "--host", "a"},
        {"status", "--host", "/path"},
        {"status", "--socket", "a:1"},
        {"status", "--timeout", "5"},
        {"status", "--timeout", "0s"},
        {"status", "--timeout", "-1s"},
        {"check", "--lag", "1s"},
        {"top", "--count", "many"},
        {"status", "--jso"},
    };
    for (const auto& words : wrong) {
        INFO(Catch::Detail::stringify(words));
        const auto arguments = parse_arguments(words);
        REQUIRE(arguments.has_error());
        CHECK_FALSE(arguments.error().empty());
        CHECK(arguments.error().find('\n') == std::string::npos);
    }
}

TEST_CASE("status shows a node in one row, and what it knows of its peer below") {
    const std::vector<NodeStatus> nodes{shown(busy_node())};
    const auto screen = status_screen(nodes);
    INFO(screen);
    CHECK(has(screen,
              "| a    | host-a:11280 | primary | ready   | LINKED | 7      | 3           | "
              "5/1024      | 2K    | 1.5M/64M | 1h 2m  |\n"));
    CHECK(has(screen,
              "a host-a:11280: ready; in step with host-b:11212, 7 ms behind; LINKED for 1m 1s\n"));
    CHECK(has(screen, "    last event of the link: SYNCING -> LINKED\n"));
    CHECK(has(screen,
              "at host-b:11212, last heard 5s ago: give its admin address, too (--host), to see"));
}

TEST_CASE("what the peer says of itself is shown, or that it says nothing") {
    auto node = busy_node();
    node.standing.peer_role = "secondary";
    node.standing.peer_serving = "COLD";
    CHECK(has(status_screen(std::vector{shown(node)}), "host-b:11212, secondary and cold: "));
    node.standing.peer_serving = "READY";
    CHECK(has(status_screen(std::vector{shown(node)}), "host-b:11212, secondary and ready: "));
    node.standing.peer_role.clear();
    node.figures.emplace_back(lib::gauge("repl_last_contact_age", "h"), "-1");
    CHECK(has(status_screen(std::vector{shown(node)}), "host-b:11212, never heard yet: "));
    node.figures.emplace_back(lib::text("repl_legacy", "h"), "linked");
    CHECK(has(status_screen(std::vector{shown(node)}), "host-b:11212, a repcached, linked: "));
}

TEST_CASE("status tells who decides for both nodes, and what came of what was asked") {
    auto node = busy_node();
    CHECK_FALSE(has(status_screen(std::vector{shown(node)}), "arbitrate"));
    const auto figure = [&](const char* name, const char* value) {
        node.figures.emplace_back(lib::gauge(name, "h"), value);
    };
    node.figures.emplace_back(lib::text("repl_arbitration", "h"), "conditional");
    node.figures.emplace_back(lib::text("repl_decides", "h"), "no");
    figure("repl_arbitration_age", "61");
    figure("repl_asked", "12");
    figure("repl_asked_answered", "10");
    figure("repl_asked_unknown", "2");
    figure("repl_asked_latency_us", "85");
    CHECK(has(status_screen(std::vector{shown(node)}),
              "    arbitrate conditional for 1m 1s: the other node decides; 12 asked, 10 answered, "
              "2 unknown, 85 us of late; 0 decided for the peer\n"));
}

TEST_CASE("status names a node that cannot be asked, beside those that can") {
    const std::vector<NodeStatus> nodes{shown(busy_node()),
                                        unreachable("host-b:11280", "host-b:11280: it is down")};
    const auto screen = status_screen(nodes);
    INFO(screen);
    CHECK(has(screen, "| ?    | host-b:11280 | -       | unreachable |"));
    CHECK(has(screen, "host-b:11280: it is down\n"));
    CHECK_FALSE(has(screen, "give its admin address"));
    const auto array = boost::json::parse(status_json(nodes)).as_array();
    REQUIRE(array.size() == 2);
    CHECK(array[0].at("status").at("state").as_string() == "LINKED");
    CHECK(array[1].at("error").as_string() == "host-b:11280: it is down");
}

TEST_CASE("what clients find of a node is one word") {
    auto node = busy_node();
    const auto word_is = [&](std::string_view word) {
        const std::vector<NodeStatus> nodes{shown(node)};
        return has(status_screen(nodes), "| primary | " + std::string(word) + " ");
    };
    CHECK(word_is("ready"));
    node.standing.is_drained = true;
    CHECK(word_is("drained"));
    node.standing.access = "read-only";
    CHECK(word_is("read-only"));
    node.standing.access = "closed";
    CHECK(word_is("closed"));
    node.standing.open_for.reset();
    CHECK(word_is("cold"));
    node.standing.is_stopping = true;
    CHECK(word_is("stopping"));
}

TEST_CASE("a page that is not a node's is an error and no status") {
    for (const auto* body : {"", "<html>", "[]", "{}", "null", "{\"ready\":"})
        CHECK(has(node_status("here", body).error, "not as a twincached node does"));
    CHECK(node_status("here", R"({"ready": "yes", "figures": 3, "peer": []})").is_ready() == false);
}

TEST_CASE("of a node of a cluster no role is shown") {
    auto node = busy_node();
    CHECK(has(status_screen(std::vector{shown(node)}), "| primary |"));
    node.standing.role.clear();
    node.figures.emplace_back(lib::text("repl_driver", "h"), "nats");
    CHECK_FALSE(has(status_screen(std::vector{shown(node)}), "primary"));
}

TEST_CASE("check ends with 0 if it is so, with 1 if not, and says why") {
    auto node = busy_node();
    CHECK(check(shown(node), "ready").exit_code == 0);
    CHECK(check(shown(node), "primary").exit_code == 0);
    CHECK(check(shown(node), "secondary").exit_code == 1);
    CHECK(check(shown(node), "synchronised").exit_code == 0);
    node.standing.open_for.reset();
    CHECK(check(shown(node), "ready").exit_code == 1);
    CHECK(has(check(shown(node), "ready").line, "not open to clients yet"));
    CHECK(check(unreachable("x", "x: it is down"), "ready").exit_code == 1);
    CHECK(check(unreachable("x", "x: it is down"), "ready").line == "x: it is down");
}

TEST_CASE("as a weight, ready is 100, without its peer's items 50, stopping 0, else it is out") {
    auto node = busy_node();
    CHECK(as_weight(shown(node), "ready").exit_code == 102);
    CHECK(as_weight(shown(node), "secondary").exit_code == 1);
    node.standing.state = "CONNECTING";
    CHECK(as_weight(shown(node), "ready").exit_code == 52);
    node.standing.is_stopping = true;
    CHECK(as_weight(shown(node), "ready").exit_code == 2);
    node.standing.is_stopping = false;
    node.standing.open_for.reset();
    CHECK(as_weight(shown(node), "ready").exit_code == 1);
    CHECK(as_weight(unreachable("x", "x: it is down"), "ready").exit_code == 1);
    FakeNode alone;
    alone.standing.state = "STANDALONE";
    alone.standing.open_for = std::chrono::seconds(1);
    CHECK(as_weight(shown(alone), "ready").exit_code == 102);
}

TEST_CASE("top tells what was done in a second, and of the gets those that hit") {
    auto before = busy_node();
    before.figures = {{lib::counter("cmd_get", "h"), "100"},
                      {lib::counter("get_hits", "h"), "90"},
                      {lib::counter("get_misses", "h"), "10"},
                      {lib::counter("evictions", "h"), "50"}};
    auto now = before;
    now.figures = {{lib::counter("cmd_get", "h"), "500"},
                   {lib::counter("get_hits", "h"), "390"},
                   {lib::counter("get_misses", "h"), "110"},
                   {lib::counter("evictions", "h"), "0"}};
    const std::vector<NodeChange> nodes{
        {shown(before), shown(now), std::chrono::duration<double>(2)}};
    CHECK(nodes[0].rate("cmd_get") == 200);
    CHECK(nodes[0].rate("evictions") == 0);  // they were reset
    CHECK(nodes[0].hit_percent() == 75);
    CHECK(has(top_screen(nodes), "| 200    | 75.0   |"));
    CHECK(boost::json::parse(top_json(nodes)).at(0).at("cmd_get_per_second").as_double() == 200);
}

TEST_CASE("numbers and times are short enough for a column") {
    CHECK(short_number(0) == "0");
    CHECK(short_number(1023) == "1023");
    CHECK(short_number(1536) == "1.5K");
    CHECK(short_number(64.0 * 1024 * 1024) == "64M");
    CHECK(short_number(18446744073709551615.0) == "16384P");
    CHECK(short_time(59) == "59s");
    CHECK(short_time(3725) == "1h 2m");
    CHECK(short_time(90061) == "1d 1h");
}

TEST_CASE("an order is told to the node under its name, and a level with its word") {
    for (const auto* command : {"drain", "undrain", "promote", "switchover", "resync"}) {
        const auto arguments = parse_arguments({command});
        REQUIRE_FALSE(arguments.has_error());
        CHECK(is_order(arguments->command));
        CHECK(order_target(*arguments) == std::string("/") + command);
        CHECK(parse_arguments({command, "now"}).has_error());
    }
    const auto level = parse_arguments({"log-level", "debug", "--pid", "47"});
    REQUIRE_FALSE(level.has_error());
    CHECK(order_target(*level) == "/log-level?level=debug");
    REQUIRE(level->nodes.size() == 1);
    CHECK(level->nodes[0].unix_socket == std::string("\0twincached/admin/47", 20));
    CHECK(parse_arguments({"log-level"}).has_error());
    CHECK(parse_arguments({"log-level", "loud"}).has_error());
    CHECK_FALSE(is_order("status"));
}

TEST_CASE("a change of roles is over when the node has the other role") {
    auto before = FakeNode::linked();
    auto after = before;
    after.standing.role = "secondary";
    CHECK_FALSE(order_progress("switchover", shown(before), shown(before)).is_over);
    CHECK(order_progress("switchover", shown(before), shown(after)).is_over);
    CHECK(order_progress("switchover", shown(after), shown(before)).is_over);
    CHECK_FALSE(order_progress("switchover", shown(after), shown(after)).is_over);
    CHECK(order_progress("promote", shown(after), shown(before)).is_over);
    CHECK_FALSE(order_progress("promote", shown(after), shown(after)).is_over);
}

TEST_CASE("a resync is over when it has begun and neither node has anything left") {
    const auto node = [](const char* resyncs, const char* own, const char* peers,
                         const char* state = "LINKED") {
        auto one = FakeNode::linked();
        one.standing.state = state;
        one.figures = {{lib::counter("repl_resyncs", "h"), resyncs},
                       {lib::gauge("repl_dirty_buckets", "h"), own},
                       {lib::gauge("repl_peer_dirty_buckets", "h"), peers}};
        return shown(one);
    };
    const auto before = node("1", "0", "0");
    CHECK_FALSE(order_progress("resync", before, before).is_over);
    const auto half = order_progress("resync", before, node("2", "32768", "100", "SYNCING"));
    CHECK_FALSE(half.is_over);
    CHECK(half.percent == 50);
    CHECK(order_progress("resync", before, node("2", "0", "49152", "SYNCING")).percent == 25);
    CHECK_FALSE(order_progress("resync", before, node("2", "0", "0", "SYNCING")).is_over);
    CHECK(order_progress("resync", before, node("2", "0", "0")).is_over);
    CHECK(bar(50) == "[" + std::string(20, '#') + std::string(20, ' ') + "]  50 %");
    CHECK(bar(100) == "[" + std::string(40, '#') + "] 100 %");
}

TEST_CASE("the last change of the primary is told in words, with the log around it") {
    const auto history = *node_history(
        R"([{"at_ms":1000000000000,"from":"a","to":"b","here":"b","why":"old","unconfirmed":0},
            {"at_ms":1795902005000,"from":"b","to":"a","here":"a","why":"no sign of life for 1 s",
             "unconfirmed":3}])");
    const auto events = *node_events(
        R"([{"number":1,"at_ms":1795901999000,"level":"info","text":"long before"},
            {"number":2,"at_ms":1795902004900,"level":"warning","text":"link: lost"},
            {"number":3,"at_ms":1795902005000,"level":"info","text":"promoted"}])");
    REQUIRE(events.size() == 3);
    const auto text = explanation("pid 4", history, events, 1795902066000);
    INFO(text);
    CHECK(has(text,
              "pid 4: 2026-11-28 21:40:05 UTC, 1m 1s ago: the primary changed from node b to "
              "node a\n"));
    CHECK(has(text, "  why: no sign of life for 1 s\n"));
    CHECK(has(text, "node a had 3 changes that the other had not confirmed"));
    CHECK(has(text, "    21:40:04.900 pid 4 warning link: lost\n"));
    CHECK_FALSE(has(text, "long before"));
    CHECK(has(text, "1 changes before it are in /history"));
    CHECK(explanation("x", {}, {}, 0) == "x: no change of the primary is known\n");
    CHECK(has(explanation("x", *node_history(R"([{"at_ms":1,"from":"","to":"a"}])"), {}, 0),
              "node a became the primary; who it was before is not known"));
}

TEST_CASE("what is no history is told from one in which nothing has happened") {
    for (const auto* body : {"", "{}", "null", "[{]"}) {
        CHECK(has(node_history(body).error(), "not as a twincached node does"));
        CHECK(has(node_events(body).error(), "not as a twincached node does"));
    }
    for (const auto* body : {"[]", "[1,\"a\",null]"}) {
        CHECK(node_history(body)->empty());
        CHECK(node_events(body)->empty());
    }
}

TEST_CASE("numbers that no node tells are none") {
    for (const std::string number : {"1e300", "-1", "-9223372036854775808", "9223372036854775807",
                                     "18446744073709551615", "\"1\"", "null"}) {
        CAPTURE(number);
        const auto events = node_events(R"([{"number":)" + number + R"(,"at_ms":)" + number +
                                        R"(,"level":"info","text":"line"}])");
        REQUIRE(events->size() == 1);
        CHECK(event_line("a", events->front()) == "00:00:00.000 a info line\n");
        const auto history =
            node_history(R"([{"to":"a","at_ms":)" + number + R"(,"unconfirmed":)" + number + "}]");
        CHECK(has(explanation("a", *history, *events, 0), "1970-01-01 00:00:00 UTC"));
        const auto node =
            node_status("a", R"({"ready":true,"peer":{"lag_ms":)" + number +
                                 R"(},"figures":{"uptime":)" + number + R"(,"memory_used":)" +
                                 number + R"(},"latency":{"text":{"get":{"steps_ns":[[)" + number +
                                 "," + number + "]]}}}}");
        CHECK(node.peer_number("lag_ms") < (std::uint64_t{1} << 63) + 1);
        CHECK(has(status_screen({&node, 1}), "a"));
        const NodeChange change{node, node, std::chrono::seconds(1)};
        CHECK(has(top_screen({&change, 1}), "a"));
        CHECK(order_progress("resync", node, node).percent <= 100);
    }
}

TEST_CASE("of what a node says nothing moves a cursor, begins a line or turns the direction") {
    CHECK(plain_line("primary") == "primary");
    CHECK(plain_line("/srv/für \u65e5\u672c/\U0001F600") == "/srv/für \u65e5\u672c/\U0001F600");
    CHECK(plain_line("\u00a0\u0800\U00010000") == "\u00a0\u0800\U00010000");  // the first of a size
    CHECK(plain_line("") == "");
    CHECK(plain_line("one\ntwo") == "one");
    CHECK(plain_line("\x1b]0;title\x07\x1b[31m\r\t\x7f") == "?]0;title??[31m???");
    CHECK(plain_line("\u009b31m") == "??31m");  // C1, as terminals take it from UTF-8
    CHECK(plain_line("\u202Eabc\u2066\u200F") == "???abc??????");
    CHECK(plain_line("\xc0\x9b\xe0\x82\x9b\xff\xed\xa0\x80") == std::string(9, '?'));
    CHECK(plain_line("\xe6\x97") == "??");            // cut off
    CHECK(plain_line("\xf4\x90\x80\x80") == "????");  // beyond Unicode
    const auto node =
        node_status("a", R"({"ready":true,"role":"\u001b[31mprimary\nnode b","summary":"\u0007"})");
    CHECK(node.text("role") == "?[31mprimary");
    CHECK(status_screen({&node, 1}).find('\x1b') == std::string::npos);
}

TEST_CASE("top tells what was slow in between, in all dialects together") {
    const auto look = [](std::string_view text_steps, std::string_view meta_steps) {
        return node_status("a",
                           std::string(R"({"ready":true,"latency":{"text":{"get":{"steps_ns":)") +
                               std::string(text_steps) + R"(}},"meta":{"get":{"steps_ns":)" +
                               std::string(meta_steps) + "}}}}");
    };
    NodeChange change;
    change.before = look("[[256,1000]]", "[[512,7]]");
    change.now = look("[[256,1098]]", "[[512,7],[2048,2]]");
    CHECK(change.slow_us("get") == 2.048);
    CHECK(change.slow_us("set") == 0);
    change.now = look("[[256,1198]]", "[[512,7],[2048,2]]");
    CHECK(change.slow_us("get") == 0.256);
    // Started anew in between.
    change.now = look("[[256,5]]", "[]");
    CHECK(change.slow_us("get") == 0);
    change.now = change.before;
    CHECK(change.slow_us("get") == 0);
    change.now =
        node_status("a", R"({"ready":true,"latency":{"text":{"get":{"steps_ns":[1,[2]]}}}})");
    CHECK(change.slow_us("get") == 0);
}

}  // namespace twincached::app
