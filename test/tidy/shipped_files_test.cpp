#include "app/command_line.hpp"
#include "app/license.hpp"
#include "app/option_printing.hpp"
#include "test/tidy/source_tree.hpp"

#include <catch2/catch.hpp>

#include <string>

namespace twincached::tidy {

TEST_CASE("conf/twincached.conf is what --print-default-config prints") {
    CHECK(content_of("conf/twincached.conf") == app::default_config_text());
}

TEST_CASE("every shipped configuration is accepted") {
    for (const auto* path : {"conf/twincached.conf", "conf/pair/a.conf", "conf/pair/b.conf"}) {
        INFO(path);
        const auto content = content_of(path);
        REQUIRE_FALSE(content.empty());
        app::OptionReader reader;
        reader.read_content(content, path);
        reader.finish();
        for (const auto& problem : reader.problems())
            UNSCOPED_INFO(problem.message);
        CHECK(reader.problems().empty());
    }
}

TEST_CASE("the two nodes of the shipped pair name each other") {
    app::OptionReader a;
    app::OptionReader b;
    a.read_content(content_of("conf/pair/a.conf"), "a.conf");
    b.read_content(content_of("conf/pair/b.conf"), "b.conf");
    a.finish();
    b.finish();
    CHECK(a.options().peer == b.options().link_listen);
    CHECK(b.options().peer == a.options().link_listen);
    CHECK(a.options().node == "a");
    CHECK(b.options().node == "b");
    CHECK(a.options().driver == "pair");
}

TEST_CASE("the option --license prints the license") {
    CHECK(std::string(app::license_text) == content_of("LICENSE"));
}

}  // namespace twincached::tidy
