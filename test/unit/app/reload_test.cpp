#include "app/reload.hpp"
#include "app/options/option_value.hpp"

#include <catch2/catch.hpp>

namespace twincached::app {

namespace {

Options with(std::string_view file) {
    OptionReader reader;
    reader.read_content(file, "test");
    reader.finish();
    REQUIRE(reader.problems().empty());
    return reader.options();
}

using Lines = std::vector<std::string>;

}  // namespace

TEST_CASE("a reload takes what may change and says what waits for the next start") {
    const auto running = with("[process]\nthreads = 4\n[limits]\nconnections-per-address = 1\n");
    const auto fresh = with(
        "[process]\nthreads = 8\n[limits]\nconnections-per-address = 2\n[log]\nverbosity = 2\n"
        "[replication]\nsecret = hush\n");
    const auto changes = changes_between(running, fresh);
    CHECK(changes.taken == Lines{"verbosity 0 -> 2", "connections-per-address 1 -> 2"});
    CHECK(changes.waiting == Lines{"threads 4 -> 8", "secret"});
    CHECK(changes.options.connections_per_address == 2);
    CHECK(changes.options.verbosity == 2);
    CHECK(changes.options.threads == 4);
    CHECK(changes.options.secret.empty());
}

TEST_CASE("whether clients must log in does not change while clients are served") {
    const auto changes = changes_between(with(""), with("[access]\nauth-file = /new\n"));
    CHECK(changes.taken.empty());
    CHECK(changes.waiting.size() == 2);  // it decides the protocol, too
    CHECK(changes.options.auth_file.empty());
}

TEST_CASE("who joined a reload is called at each, with what was and what is") {
    Log log({0, "/dev/null", false, true});
    FreshOptions fresh{with("[log]\nverbosity = 1\n"), {}};
    Reload reload(
        with(""), [&] { return fresh; }, log);
    Lines seen;
    reload.join([&](const Options& before, const Options& after) {
        seen.push_back(std::to_string(before.verbosity) + std::to_string(after.verbosity));
    });
    reload.run();
    reload.run();
    fresh = {with("[log]\nverbosity = 3\n"), {{"broken", 1}}};
    reload.run();
    fresh.problems.clear();
    reload.run();
    CHECK(seen == Lines{"01", "11", "11", "13"});
}

}  // namespace twincached::app
