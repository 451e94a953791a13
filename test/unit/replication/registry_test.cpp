#include "replication/registry.hpp"

#include <catch2/catch.hpp>

#include <stdexcept>
#include <string>

using namespace twincached;

namespace {

std::unique_ptr<replication::Replicator> make_replicator(const replication::Options& options,
                                                         unsigned shards = 1) {
    return replication::make_replicator(replication::replicator_factories(), options, {}, shards);
}

}  // namespace

TEST_CASE("an unknown replication driver is refused with a sentence that names the known ones") {
    replication::Options options;
    options.driver = "kafka";
    REQUIRE_THROWS_WITH(make_replicator(options),
                        "unknown replication driver 'kafka': the drivers are none and pair");
}

TEST_CASE("a node alone has no node number, so that its CAS uniques count as memcached's do") {
    const auto replicator = make_replicator({}, 4);
    CHECK_FALSE(replicator->node().has_value());
    CHECK(replicator->sink().on_flush(7).position == 0);
}

TEST_CASE("a node alone says so in its report") {
    const auto replicator = make_replicator({});
    std::string text;
    replicator->stats([&](const lib::Figure& figure, std::string_view value) {
        text.append(figure.name).append("=").append(value).append(";");
    });
    CHECK(text == "repl_driver=none;repl_state=STANDALONE;repl_serving=READY;");
}
