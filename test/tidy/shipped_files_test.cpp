#include "app/options/command_line.hpp"
#include "app/options/option_printing.hpp"
#include "app/process/license.hpp"
#include "app/replication_options.hpp"
#include "app/server_options.hpp"
#include "replication/pair/pair_options.hpp"
#include "replication/replication_options.hpp"
#include "test/tidy/source_tree.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <string>
#include <vector>

namespace twincached::tidy {
namespace {

// What stands between backquotes.
std::vector<std::string> quoted_in(const std::string& text) {
    std::vector<std::string> words;
    for (std::size_t at = text.find('`'); at != std::string::npos;) {
        const auto end = text.find('`', at + 1);
        if (end == std::string::npos) break;
        words.push_back(text.substr(at + 1, end - at - 1));
        at = text.find('`', end + 1);
    }
    return words;
}

std::string contents_below(const std::string& folder, std::string_view ending) {
    std::string contents;
    for (const auto& path : paths_below(folder, ending))
        contents += content_of(path);
    return contents;
}

bool is_file_below(const std::string& folder, const std::string& name) {
    const auto paths = paths_below(folder, "/" + name);
    return !paths.empty();
}

}  // namespace

TEST_CASE("conf/twincached.conf is what --print-default-config prints") {
    CHECK(content_of("conf/twincached.conf") ==
          app::default_config_text(app::server_option_table()));
}

TEST_CASE("who a row says reloads it joins the reload when the server starts") {
    const auto server = content_of("app/server.cpp");
    std::size_t seen = 0;
    for (const auto& row : app::server_option_table().rows()) {
        if (row.reloaded_by.empty()) continue;
        ++seen;
        INFO(row.section << '.' << row.key);
        CHECK(server.find("join(\"" + std::string(row.reloaded_by) + '"') != std::string::npos);
    }
    CHECK(seen > 0);
}

TEST_CASE("every shipped configuration is accepted") {
    for (const auto* path : {"conf/twincached.conf", "conf/container/twincached.conf",
                             "conf/pair-on-one-host/a.conf", "conf/pair-on-one-host/b.conf"}) {
        INFO(path);
        const auto content = content_of(path);
        REQUIRE_FALSE(content.empty());
        app::OptionReader reader(app::server_option_table());
        reader.read_content(content, path);
        reader.finish();
        for (const auto& problem : reader.problems())
            UNSCOPED_INFO(problem.message);
        CHECK(reader.problems().empty());
    }
}

TEST_CASE("the two nodes of the shipped pair name each other") {
    app::OptionReader a(app::server_option_table());
    app::OptionReader b(app::server_option_table());
    a.read_content(content_of("conf/pair-on-one-host/a.conf"), "a.conf");
    b.read_content(content_of("conf/pair-on-one-host/b.conf"), "b.conf");
    a.finish();
    b.finish();
    const auto& of_a = a.options().get<replication::pair::PairOptions>();
    const auto& of_b = b.options().get<replication::pair::PairOptions>();
    CHECK(of_a.peer == of_b.link_listen);
    CHECK(of_b.peer == of_a.link_listen);
    CHECK(of_a.node == "a");
    CHECK(of_b.node == "b");
    CHECK(a.options().get<replication::ReplicationOptions>().driver == "pair");
}

TEST_CASE("every test that docs/REPLICATION.md names exists") {
    const auto tests = contents_below("test", ".py");
    const auto words = quoted_in(content_of("docs/REPLICATION.md"));
    std::size_t seen = 0;
    for (const auto& word : words) {
        const bool is_path = word.find('/') != std::string::npos;
        const bool is_file = word.ends_with(".py") || word.ends_with("_test.cpp");
        if (is_path || (!is_file && !word.starts_with("test_"))) continue;
        ++seen;
        INFO(word);
        CHECK((is_file ? is_file_below("test", word)
                       : tests.find("def " + word + "(self") != std::string::npos));
    }
    CHECK(seen > 60);
}

TEST_CASE("every defect that docs/REPLICATION.md names is one that the model must find out") {
    const auto text = content_of("docs/REPLICATION.md");
    const auto controls = content_of("test/model/CMakeLists.txt");
    const auto begin = text.find("| rule | | broken on purpose");
    const auto end = text.find("Bold is what the model added");
    REQUIRE(begin < end);
    std::size_t seen = 0;
    for (const auto& word : quoted_in(text.substr(begin, end - begin))) {
        const bool is_defect =
            word.find_first_not_of("abcdefghijklmnopqrstuvwxyz-") == std::string::npos &&
            word.find('-') != std::string::npos;
        if (!is_defect) continue;
        ++seen;
        INFO(word);
        CHECK(controls.find(word) != std::string::npos);
    }
    CHECK(seen > 25);
}

TEST_CASE("the option --license prints the license") {
    CHECK(std::string(app::license_text) == content_of("LICENSE"));
}

}  // namespace twincached::tidy
