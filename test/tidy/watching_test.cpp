// What is shipped for those who watch names figures that there are. With TWINCACHED_WRITE_FIGURES=1
// in the environment the dashboard is written anew.
#include "app/endpoint/metric_names.hpp"
#include "lib/json.hpp"
#include "test/tidy/dashboard.hpp"
#include "test/tidy/figure_tables.hpp"
#include "test/tidy/source_tree.hpp"

#include <fmt/format.h>
#include <catch2/catch.hpp>

#include <cstdlib>
#include <regex>
#include <set>
#include <sstream>
#include <string>

namespace twincached::tidy {
namespace {

const std::string dashboard = "conf/grafana/twincached.json";
using Names = std::set<std::string>;

std::string with_state(const std::string& name, const std::string& word) {
    return fmt::format("{}{{state=\"{}\"}}", name, word);
}

// As Prometheus stores them; of a state with each of its words: name{state="word"}.
Names series() {
    Names names{"twincached_build_info"};
    for (const auto& figure : figures_of_metrics()) {
        if (figure.kind == lib::FigureKind::text && figure.choices.empty()) continue;
        const auto name = app::metric_name(figure);
        names.insert(figure.kind == lib::FigureKind::counter ? name + "_total" : name);
        std::istringstream words{std::string(figure.choices)};
        for (std::string word; std::getline(words, word, '|');)
            names.insert(with_state(name, word));
    }
    return names;
}

Names matches(const std::string& text, const std::string& pattern) {
    const std::regex wanted(pattern);
    Names found;
    for (std::sregex_iterator at(text.begin(), text.end(), wanted), end; at != end; ++at)
        found.insert(at->str());
    return found;
}

void check_names(const std::string& path) {
    const auto known = series();
    const auto named = matches(content_of(path), "\\btwincached_[a-z0-9_]+");
    CHECK(named.size() > 10);
    for (const auto& name : named) {
        INFO(path << ": " << name);
        CHECK(known.contains(name));
    }
}

}  // namespace

TEST_CASE("conf/grafana/twincached.json is made from the rows of figures") {
    if (std::getenv("TWINCACHED_WRITE_FIGURES") != nullptr)
        write_content(dashboard, dashboard_text());
    CHECK(content_of(dashboard) == dashboard_text());
}

TEST_CASE("the dashboard shows every metric, in panels that do not overlap") {
    const auto text = content_of(dashboard);
    const auto shown = matches(text, "\\btwincached_[a-z0-9_]+");
    for (const auto& name : series()) {
        INFO(name);
        CHECK((name.find('{') != std::string::npos || shown.contains(name)));
    }
    boost::json::error_code error;
    const auto page = boost::json::parse(text, error);
    REQUIRE_FALSE(error);
    std::set<std::pair<std::int64_t, std::int64_t>> places;
    std::set<std::int64_t> numbers;
    std::size_t panels = 0;
    for (const auto& panel : page.at("panels").as_array()) {
        ++panels;
        numbers.insert(panel.at("id").as_int64());
        places.emplace(panel.at("gridPos").at("x").as_int64(),
                       panel.at("gridPos").at("y").as_int64());
    }
    CHECK(numbers.size() == panels);
    CHECK(places.size() == panels);
}

TEST_CASE("alert rules and their tests name figures and states that exist") {
    const auto known = series();
    for (const auto* path : {"conf/prometheus/alerts.yml", "conf/prometheus/alerts.test.yml"})
        check_names(path);
    const auto rules = content_of("conf/prometheus/alerts.yml");
    const auto states = matches(rules, "twincached_[a-z_]+\\{state(=|!=|=~)\"[^\"]+\"\\}");
    CHECK(states.size() > 5);
    for (const auto& state : states) {
        const auto name = state.substr(0, state.find('{'));
        std::istringstream words(state.substr(state.find('"') + 1));
        std::string all;
        std::getline(words, all, '"');
        std::istringstream each(all);
        for (std::string word; std::getline(each, word, '|');) {
            INFO(state << ": " << word);
            CHECK(known.contains(with_state(name, word)));
        }
    }
}

TEST_CASE("every alert is tested") {
    const auto tests = content_of("conf/prometheus/alerts.test.yml");
    const auto alerts = matches(content_of("conf/prometheus/alerts.yml"), "alert: [A-Za-z]+");
    CHECK(alerts.size() > 15);
    for (const auto& alert : alerts) {
        INFO(alert);
        CHECK(tests.find('"' + alert.substr(alert.find(' ') + 1) + '"') != std::string::npos);
    }
}

}  // namespace twincached::tidy
