#include "app/console/stream_output.hpp"

#include <catch2/catch.hpp>

#include <string>

namespace twincached::app {

TEST_CASE("events are written in their order, and what comes meanwhile in one go afterwards") {
    StreamOutput output;
    CHECK(output.begin_write().empty());
    REQUIRE(output.add("one"));
    CHECK(output.begin_write() == "one");
    REQUIRE(output.add("two"));
    REQUIRE(output.add("three"));
    CHECK(output.begin_write().empty());
    output.on_written();
    CHECK(output.begin_write() == "twothree");
    output.on_written();
    CHECK(output.begin_write().empty());
}

TEST_CASE("what waits for a slow reader is bounded") {
    StreamOutput output;
    REQUIRE(output.add("first"));
    REQUIRE(output.begin_write() == "first");
    REQUIRE(output.add(std::string(StreamOutput::limit - 1, 'x')));
    CHECK_FALSE(output.add("yz"));
    CHECK(output.add("y"));
    CHECK_FALSE(output.add("z"));
    CHECK(output.add(""));
    output.on_written();
    const auto rest = output.begin_write();
    CHECK(rest.size() == StreamOutput::limit);
    CHECK(rest.back() == 'y');
    output.on_written();
    CHECK(output.add("z"));
}

TEST_CASE("what is being written stays where it is while more comes") {
    StreamOutput output;
    REQUIRE(output.add("kept"));
    const auto written = output.begin_write();
    REQUIRE(output.add(std::string(100'000, 'x')));
    CHECK(written == "kept");
}

}  // namespace twincached::app
