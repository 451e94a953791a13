// docs/OBSERVING.md names the figures that the server tells, as their rows do. Its tables are
// made here: with TWINCACHED_WRITE_FIGURES=1 in the environment this test writes them anew.
#include "app/endpoint/metric_names.hpp"
#include "app/endpoint/metrics_page.hpp"
#include "app/reports/process_figures.hpp"
#include "protocol/execution/service.hpp"
#include "protocol/reports/report_figures.hpp"
#include "replication/none.hpp"
#include "test/tidy/figure_tables.hpp"
#include "test/tidy/source_tree.hpp"
#include "test/unit/protocol/test_service.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace twincached::tidy {
namespace {

using lib::Figure;
using Names = std::set<std::string>;

const std::string document = "docs/OBSERVING.md";

Names names_of(const Figures& figures) {
    Names names;
    for (const auto& figure : figures)
        names.insert(std::string(figure.name));
    return names;
}

// What memcached names in a report and nobody here has a figure for.
template <class... Orders>
Names without_meaning(const Names& known, const Orders&... orders) {
    Names names;
    const auto look_through = [&](const auto& order) {
        for (const auto name : order) {
            if (!known.contains(std::string(name))) names.insert(std::string(name));
        }
    };
    (look_through(orders), ...);
    return names;
}

Names figures_of_general() {
    Names names;
    for (const auto* table : {"process", "server", "commands", "store"})
        names.merge(names_of(figure_tables().at(table)));
    return names;
}

Names zeroes_of_general() {
    return without_meaning(figures_of_general(), protocol::general_order,
                           protocol::general_order_tls, protocol::general_order_after_tls);
}

Names zeroes_of_items() {
    return without_meaning(names_of(figure_tables().at("items")), protocol::items_order);
}

std::string text_of(const Figures& figures) {
    std::ostringstream text;
    text << "| name | kind | unit | meaning |\n|---|---|---|---|\n";
    for (const auto& figure : figures) {
        text << "| `" << figure.name << "` | " << name_of(figure.kind) << " | "
             << name_of(figure.unit) << " | " << figure.help << " |\n";
    }
    return text.str();
}

std::string text_of(const Names& names) {
    std::string text;
    for (const auto& name : names)
        text += (text.empty() ? "`" : ", `") + name + "`";
    return text + "\n";
}

std::string text_of_exporter_names() {
    std::ostringstream text;
    text << "| metric | kind | is |\n|---|---|---|\n";
    for (const auto& row : app::exporter_rows()) {
        text << "| `" << row.metric << (row.kind == lib::FigureKind::counter ? "_total" : "");
        if (!row.labels.empty()) text << '{' << row.labels << '}';
        text << "` | " << name_of(row.kind) << " | `" << row.figure << '`';
        for (std::istringstream less{std::string(row.less)}; !less.eof();) {
            std::string name;
            if (std::getline(less, name, '|')) text << " - `" << name << '`';
        }
        text << " |\n";
    }
    return text.str();
}

// The document with what stands between "<!-- figures: NAME -->" and "<!-- end -->" made anew.
std::string made_anew(std::string text) {
    std::map<std::string, std::string> places;
    for (const auto& [name, figures] : figure_tables())
        places[name] = text_of(figures);
    places["memcached_exporter"] = text_of_exporter_names();
    places["zeroes of stats"] = text_of(zeroes_of_general());
    places["zeroes of stats items"] = text_of(zeroes_of_items());
    for (const auto& [name, content] : places) {
        const auto mark = "<!-- figures: " + name + " -->\n";
        const auto begin = text.find(mark);
        const auto end = text.find("<!-- end -->", begin);
        INFO(mark);
        REQUIRE(begin != std::string::npos);
        REQUIRE(end != std::string::npos);
        text.replace(begin + mark.size(), end - begin - mark.size(), content);
    }
    return text;
}

// The second words of a report's lines, without the class and its colon.
Names told_by(protocol::test::TestService& service, const std::string& request) {
    std::istringstream lines(protocol::test::Client(service).say(request + "\r\n"));
    Names names;
    std::string stat;
    std::string name;
    for (std::string line; std::getline(lines, line);) {
        std::istringstream(line) >> stat >> name;
        if (stat == "STAT") names.insert(name.substr(name.rfind(':') + 1));
    }
    return names;
}

Names joined(Names names, Names more) {
    names.merge(more);
    return names;
}

}  // namespace

TEST_CASE("docs/OBSERVING.md names every figure as its row does") {
    const auto text = content_of(document);
    if (std::getenv("TWINCACHED_WRITE_FIGURES") != nullptr)
        write_content(document, made_anew(text));
    CHECK(content_of(document) == made_anew(text));
}

TEST_CASE("every figure says what it means, in a name and a text that its readers can take") {
    for (const auto& [table, figures] : figure_tables()) {
        for (const auto& figure : figures) {
            INFO(table << " " << figure.name);
            CHECK_FALSE(figure.name.empty());
            CHECK(figure.name.find_first_of(": \n") == std::string_view::npos);
            CHECK_FALSE(figure.help.empty());
            CHECK(figure.help.find_first_of("|\n") == std::string_view::npos);
            CHECK_FALSE(figure.help.ends_with('.'));
        }
        CHECK(names_of(figures).size() == figures.size());
    }
}

TEST_CASE("no two of those whom stats asks know the same name") {
    std::size_t rows = 0;
    for (const auto* table : {"process", "server", "commands", "store"})
        rows += figure_tables().at(table).size();
    CHECK(figures_of_general().size() == rows);
}

TEST_CASE("every counter and gauge is one metric, and no other metric of ours is told") {
    const auto figures = figures_of_metrics();
    const auto see = [] { return app::Standing(); };
    const auto tell = [&](lib::FigureVisitor visit) {
        for (const auto& figure : figures)
            visit(figure, "1");
    };
    const auto act = [](const app::Action&) { return app::Verdict(); };
    const auto history = [] { return std::string(); };
    const auto log_lines = [](std::uint64_t) { return std::string(); };
    const auto page =
        app::metrics_page({see, tell, history, log_lines, act}, "application/openmetrics-text");
    std::istringstream lines(page.body);
    std::multiset<std::string> told;
    std::string word;
    std::string name;
    for (std::string line; std::getline(lines, line);) {
        std::istringstream words(line);
        words >> word >> word >> name;
        if (word == "TYPE" && name.starts_with("twincached_")) told.insert(name);
    }
    std::multiset<std::string> expected{"twincached_build_info"};
    for (const auto& figure : figures) {
        if (figure.kind != lib::FigureKind::text || !figure.choices.empty())
            expected.insert(app::metric_name(figure));
    }
    CHECK(told == expected);
    CHECK(std::set<std::string>(told.begin(), told.end()).size() == told.size());
}

TEST_CASE("what is told under an exporter's name is a figure of the same kind") {
    std::map<std::string_view, Figure> known;
    for (const auto& figure : figures_of_metrics())
        known.emplace(figure.name, figure);
    for (const auto& row : app::exporter_rows()) {
        INFO(row.metric);
        REQUIRE(known.contains(row.figure));
        CHECK(known.at(row.figure).kind == row.kind);
    }
}

TEST_CASE("stats tells what the rows of its tables name, and memcached's names without a meaning") {
    protocol::test::TestService service;
    Names ours;
    for (const auto& name : told_by(service, "stats")) {
        if (!name.starts_with("repl_")) ours.insert(name);
    }
    auto expected = joined(figures_of_general(), zeroes_of_general());
    // What the process would tell, beside what memcached names, and this one does not.
    for (const auto& row : app::process_rows()) {
        const std::string name(row.figure.name);
        if (!ours.contains(name)) expected.erase(name);
    }
    CHECK(ours == expected);
}

TEST_CASE("stats items and stats slabs tell what the rows of their tables name") {
    protocol::test::TestService service;
    protocol::test::Client(service).say("set a 0 0 1\r\nx\r\n");
    CHECK(told_by(service, "stats items") ==
          joined(names_of(figure_tables().at("items")), zeroes_of_items()));
    CHECK(told_by(service, "stats slabs") == names_of(figure_tables().at("slabs")));
}

TEST_CASE("a node alone tells nothing in stats replication that a pair's does not tell") {
    const auto known = names_of(figure_tables().at("replication"));
    std::size_t told = 0;
    replication::NoneReplicator({}).stats([&](const Figure& figure, std::string_view) {
        ++told;
        CHECK(known.contains(std::string(figure.name)));
    });
    CHECK(told == 3);
}

}  // namespace twincached::tidy
