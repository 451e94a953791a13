#include "replication/registry.hpp"
#include "replication/pair/link/control_frames.hpp"
#include "replication/pair/pair_options.hpp"
#include "replication/replication_options.hpp"

#include <catch2/catch.hpp>

#include <stdexcept>
#include <string>

using namespace twincached;

namespace {

const auto known = replication::replicator_factories();

// With the defaults of all drivers, and this one chosen.
lib::OptionStructs options_of(std::string driver) {
    auto options = replication::default_options(known);
    options.edit<replication::ReplicationOptions>().driver = std::move(driver);
    return options;
}

std::string chosen_by(lib::OptionStructs options) {
    replication::choose_driver(known, options);
    return options.get<replication::ReplicationOptions>().driver;
}

std::unique_ptr<replication::Replicator> make_none(unsigned shards = 1) {
    const auto options = options_of("none");
    return replication::make_replicator(known, {.options = options, .shards = shards}, {});
}

}  // namespace

TEST_CASE("an unknown replication driver is refused with a sentence that names the known ones") {
    const auto options = options_of("kafka");
    REQUIRE_THROWS_WITH(replication::make_replicator(known, {.options = options}, {}),
                        "unknown replication driver 'kafka': the drivers are none, pair and nats");
}

TEST_CASE("a driver that is not named is the one that the options ask for, or none") {
    auto options = options_of("auto");
    CHECK(chosen_by(options) == "none");
    options.edit<replication::pair::PairOptions>().peer = "host-b";
    CHECK(chosen_by(options) == "pair");
    options.edit<replication::ReplicationOptions>().driver = "none";
    CHECK(chosen_by(options) == "none");
}

TEST_CASE("a driver that is named without what it needs is refused with what is missing") {
    auto options = options_of("pair");
    const auto problems = replication::problems_of(known, options);
    REQUIRE(problems.size() == 1);
    CHECK(problems.front().key == "driver");
    CHECK(problems.front().message == "driver pair needs a peer (-x, or peer in [replication])");
    options.edit<replication::pair::PairOptions>().peer = "host-b";
    CHECK(replication::problems_of(known, options).empty());
}

TEST_CASE("the choices and the help of the option driver are those of the registry") {
    const auto row = replication::driver_option_rows().front();
    CHECK(row.choices == "auto|none|pair|nats");
    CHECK(row.help ==
          "How this node is replicated: none, pair, nats, or auto,\nwhich is pair if there is a "
          "peer, "
          "nats if there is a NATS server.");
}

TEST_CASE("what a node speaks by default is the newest version of the link's protocol") {
    CHECK(replication::pair::default_options().link_protocol == replication::protocol_newest);
}

TEST_CASE("a node alone has no node number, so that its CAS uniques count as memcached's do") {
    const auto replicator = make_none(4);
    CHECK_FALSE(replicator->node().has_value());
    CHECK(replicator->sink().on_flush(7).position == 0);
}

TEST_CASE("a node alone says so in its report") {
    const auto replicator = make_none();
    std::string text;
    replicator->stats([&](const lib::Figure& figure, std::string_view value) {
        text.append(figure.name).append("=").append(value).append(";");
    });
    CHECK(text == "repl_driver=none;repl_state=STANDALONE;repl_serving=READY;");
}
