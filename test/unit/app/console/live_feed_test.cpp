#include "app/console/live_feed.hpp"

#include <catch2/catch.hpp>

#include <string>

namespace twincached::app {
namespace {

// What a node would tell, as a test chooses it.
struct Told {
    std::string history = "[]";
    std::uint64_t newest_line = 0;
    LiveFeed feed;

    std::string next() {
        return feed.next(
            {[] { return std::string("{\"is\":\"standing\"}"); },
             [] { return std::string("{\"is\":\"status\"}\n"); }, [this] { return history; },
             [this](std::uint64_t number) {
                 const auto is_new = newest_line > number;
                 return LiveFeed::Lines{is_new ? "[\"line\"]" : "[]", is_new ? newest_line : 0};
             }});
    }
};

const std::string standing = "event: standing\ndata: {\"is\":\"standing\"}\n\n";
const std::string status = "event: status\ndata: {\"is\":\"status\"}\n\n";

}  // namespace

TEST_CASE("whoever comes is told everything at once") {
    Told told;
    told.newest_line = 7;
    CHECK(told.next() == status + "event: history\ndata: []\n\nevent: link\ndata: [\"line\"]\n\n");
}

TEST_CASE("a node's standing is told at each step, all that it knows at each fourth") {
    Told told;
    (void)told.next();
    for (int second = 0; second < 3; ++second) {
        for (unsigned step = 1; step < LiveFeed::steps_of_a_status; ++step)
            CHECK(told.next() == standing);
        CHECK(told.next() == status);
    }
}

TEST_CASE("a history is told again when it has changed, and a line once") {
    Told told;
    (void)told.next();
    told.history = "[1]";
    told.newest_line = 1;
    CHECK(told.next() == standing + "event: link\ndata: [\"line\"]\n\n");
    CHECK(told.next() == standing);
    told.newest_line = 2;
    CHECK(told.next() == standing + "event: link\ndata: [\"line\"]\n\n");
    CHECK(told.next() == status + "event: history\ndata: [1]\n\n");
}

TEST_CASE("three steps pass before a second is over") {
    CHECK(LiveFeed::interval * 3 < std::chrono::seconds(1));
    CHECK(LiveFeed::interval * LiveFeed::steps_of_a_status == std::chrono::seconds(1));
}

TEST_CASE("no text ends its event, or begins another") {
    CHECK(event_text("x", "a") == "event: x\ndata: a\n\n");
    CHECK(event_text("x", "a\n\nevent: y\ndata: b\n\n") ==
          "event: x\ndata: a\ndata: \ndata: event: y\ndata: data: b\ndata: \n\n");
    CHECK(event_text("x", "a\rb\r\nc") == "event: x\ndata: a\ndata: b\ndata: \ndata: c\n\n");
    CHECK(event_text("x", "") == "event: x\n\n");
}

}  // namespace twincached::app
