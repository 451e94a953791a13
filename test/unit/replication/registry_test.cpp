#include "replication/replicator.hpp"

#include <catch2/catch.hpp>

#include <stdexcept>
#include <string>

using namespace twincached;
using replication::make_replicator;

TEST_CASE("an unknown replication driver is refused with a sentence that names the known ones") {
    replication::Options options;
    options.driver = "kafka";
    REQUIRE_THROWS_WITH(make_replicator(options, {}, 1),
                        "unknown replication driver 'kafka': the drivers are none and pair");
}

TEST_CASE("a node alone has no node number, so that its CAS uniques count as memcached's do") {
    const auto replicator = make_replicator({}, {}, 4);
    CHECK_FALSE(replicator->node().has_value());
    CHECK(replicator->sink().on_flush(7).position == 0);
}

TEST_CASE("a node alone says so in its report") {
    const auto replicator = make_replicator({}, {}, 1);
    std::string text;
    replicator->stats([&](std::string_view key, std::string_view value) {
        text.append(key).append("=").append(value).append(";");
    });
    CHECK(text == "repl_driver=none;repl_state=STANDALONE;repl_serving=READY;");
}
