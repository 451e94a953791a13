#include "app/console/console_page.hpp"

#include "app/console/console_files.hpp"
#include "app/console/console_origin.hpp"
#include "test/unit/app/endpoint/fake_node.hpp"

#include <catch2/catch.hpp>

#include <string>

namespace twincached::app {
namespace {

bool holds(std::string_view text, std::string_view part) {
    return text.find(part) != std::string_view::npos;
}

Answer as_a_browser(const test::FakeNode& node, std::string_view target,
                    std::string_view origin = {}) {
    return node.ask({"GET", target, "text/html,application/xhtml+xml,*/*;q=0.8", {}, {}, origin});
}

}  // namespace

TEST_CASE("the console is one page that names nothing outside") {
    const auto page = console_page("");
    CHECK(page.starts_with("<!doctype html>"));
    CHECK(holds(page, console_style));
    CHECK(holds(page, console_script));
    CHECK(holds(page, "<meta name=\"peer-console\" content=\"\">"));
    for (const auto* mark : {"@style@", "@script@", "@peer-console@", " src=", "@import", "url(",
                             "<link rel=\"stylesheet\""}) {
        INFO(mark);
        CHECK_FALSE(holds(page, mark));
    }
    CHECK(holds(console_page("http://b:1"), "content=\"http://b:1\">"));
}

TEST_CASE("nothing in the console's script makes markup of a text") {
    for (const auto* way : {"innerHTML", "outerHTML", "insertAdjacentHTML", "document.write",
                            "eval(", "new Function", "DOMParser", "createContextualFragment"}) {
        INFO(way);
        CHECK_FALSE(holds(console_script, way));
    }
}

TEST_CASE("a browser runs what is in the console's page, and asks the two nodes alone") {
    const auto alone = console_headers("");
    CHECK(holds(alone, "Content-Security-Policy: default-src 'none'; script-src 'sha256-"));
    CHECK(holds(alone, "connect-src 'self';"));
    CHECK(holds(alone, "require-trusted-types-for 'script'; trusted-types 'none'"));
    CHECK(holds(alone, "frame-ancestors 'none'"));
    CHECK_FALSE(holds(alone, "unsafe"));
    CHECK_FALSE(holds(alone, "*;"));
    CHECK(holds(console_headers("http://b:11280"), "connect-src 'self' http://b:11280;"));
    CHECK(alone.ends_with("\r\n"));
}

TEST_CASE("a browser gets the console, and whoever else asks the list of pages") {
    const auto node = test::FakeNode::linked();
    const auto page = as_a_browser(node, "/");
    CHECK(page.status == 200);
    CHECK(page.type == "text/html; charset=utf-8");
    CHECK(page.body == console_page(""));
    CHECK(page.more_headers == console_headers(""));
    for (const auto* accept : {"", "*/*", "text/plain"}) {
        INFO(accept);
        const auto list = node.ask("/", "GET", accept);
        CHECK(list.type == "text/plain; charset=utf-8");
        CHECK(holds(list.body, "/live"));
    }
}

TEST_CASE("a node's events are a stream, shown to no other page than its peer's console") {
    auto node = test::FakeNode::linked();
    const auto of = [&](std::string_view origin) { return as_a_browser(node, "/live", origin); };
    CHECK(of("").is_stream);
    CHECK(of("").type == "text/event-stream; charset=utf-8");
    CHECK_FALSE(holds(of("http://b:11280").more_headers, "Allow-Origin"));
    node.peer_console = "http://b:11280";
    CHECK(holds(of("http://b:11280").more_headers,
                "Access-Control-Allow-Origin: http://b:11280\r\n"));
    for (const auto* origin : {"", "null", "http://b", "http://b:112800", "https://b:11280",
                               "http://evil.example", "http://b:11280.evil.example"}) {
        INFO(origin);
        CHECK_FALSE(holds(of(origin).more_headers, "Allow-Origin"));
        CHECK_FALSE(holds(as_a_browser(node, "/status", origin).more_headers, "Allow-Origin"));
    }
    CHECK_FALSE(holds(as_a_browser(node, "/status", "http://b:11280").more_headers, "Allow"));
    CHECK_FALSE(node.ask("/live", "HEAD").is_stream);
    CHECK(node.ask("/live?x=1").status == 400);
    CHECK(node.ask("/live", "POST").status == 405);
}

TEST_CASE("no page of a browser may act, not even where its user may") {
    const auto node = test::FakeNode::linked();
    CHECK(node.ask({"POST", "/promote", {}, {}, Trust::owner, "http://evil.example"}).status ==
          403);
    CHECK(node.ask({"POST", "/promote", {}, {}, Trust::owner, "null"}).status == 403);
    CHECK(node.told.empty());
    CHECK(node.ask({"POST", "/promote", {}, {}, Trust::owner}).status == 200);
    CHECK(node.told.size() == 1);
}

TEST_CASE("a console's place is taken as a browser writes it") {
    CHECK(console_origin("http://b:11280") == "http://b:11280");
    CHECK(console_origin("HTTP://Host-B.example:11280/") == "http://host-b.example:11280");
    CHECK(console_origin("http://b:80") == "http://b");
    CHECK(console_origin("https://b:443") == "https://b");
    CHECK(console_origin("https://b:80") == "https://b:80");
    CHECK(console_origin("http://[fe80::1]:11280") == "http://[fe80::1]:11280");
    for (const auto* text : {"",
                             "b:11280",
                             "http://",
                             "http:///",
                             "http://:80",
                             "ftp://b:1",
                             "http://b:11280/x",
                             "http://b:0",
                             "http://b:65536",
                             "http://b c",
                             "http://b\r\nX: y",
                             "http://b;",
                             "http://\"b",
                             "http://b'",
                             "http://<b",
                             "http://fe80::1",
                             "http://user@b",
                             "http://b?x",
                             "http://b#x",
                             "*",
                             "javascript://b"}) {
        INFO(text);
        CHECK_FALSE(console_origin(text));
    }
}

}  // namespace twincached::app
