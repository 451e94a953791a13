#include "test/tidy/dashboard.hpp"

#include "app/endpoint/metric_names.hpp"
#include "lib/json.hpp"
#include "test/tidy/figure_tables.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <stdexcept>
#include <string_view>
#include <utility>
#include <vector>

namespace twincached::tidy {
namespace {

using lib::Figure;
namespace json = boost::json;

enum class Look { graph, number, states, ratio };

// Figures by their names in `stats`. Of a ratio the first is divided by the second.
struct Panel {
    std::string title;
    Look look;
    std::vector<std::string> figures;
    std::string description = {};
};

struct Section {
    std::string title;
    std::vector<Panel> panels;
    bool is_closed = false;
};

// What is looked at first, from the top.
std::vector<Section> chosen_sections() {
    return {
        {"The pair",
         {{"Link", Look::states, {"repl_state"}},
          {"Role", Look::states, {"repl_role"}},
          {"Serving", Look::states, {"repl_serving"}},
          {"Behind", Look::number, {"repl_lag_ms"}},
          {"Unconfirmed changes", Look::number, {"repl_unacked"}},
          {"Buckets left to compare", Look::number, {"repl_dirty_buckets"}}}},
        {"Clients",
         {{"Requests", Look::graph, {"cmd_get", "cmd_set", "cmd_touch", "delete_hits"}},
          {"Hits among gets", Look::ratio, {"get_hits", "cmd_get"}},
          {"Connections", Look::graph, {"curr_connections", "max_connections"}},
          {"Traffic", Look::graph, {"bytes_read", "bytes_written"}},
          {"Turned away or closed",
           Look::graph,
           {"rejected_connections", "request_timeouts", "write_timeouts", "auth_errors",
            "stale_kicks"}},
          {"Processor", Look::graph, {"rusage_user", "rusage_system"}}}},
        {"Memory",
         {{"Memory", Look::graph, {"memory_used", "limit_maxbytes"}},
          {"Items", Look::graph, {"curr_items"}},
          {"Items that went", Look::graph, {"evictions", "evicted_active", "reclaimed"}},
          {"Values refused", Look::graph, {"store_no_memory", "store_too_large"}}}},
        {"The link",
         {{"Behind, and a round trip", Look::graph, {"repl_lag_ms", "repl_rtt_ms"}},
          {"Changes", Look::graph, {"repl_records_sent", "repl_records_received"}},
          {"Traffic", Look::graph, {"repl_bytes_sent", "repl_bytes_received"}},
          {"Change log", Look::graph, {"repl_log_bytes", "repl_log_limit_bytes"}}}},
    };
}

bool is_metric(const Figure& figure) {
    return figure.kind != lib::FigureKind::text || !figure.choices.empty();
}

// The rest of each table: a panel a figure, below a title that is clicked open.
std::vector<Section> other_sections(const std::vector<Section>& chosen) {
    std::set<std::string> shown;
    for (const auto& section : chosen) {
        for (const auto& panel : section.panels)
            shown.insert(panel.figures.begin(), panel.figures.end());
    }
    const auto tables = figure_tables();
    std::vector<Section> sections;
    for (const auto* table :
         {"commands", "process", "server", "store", "replication", "cluster", "latency"}) {
        Section section{std::string("All else: ") + table, {}, true};
        for (const auto& figure : tables.at(table)) {
            if (!is_metric(figure) || shown.contains(std::string(figure.name))) continue;
            const auto look = figure.choices.empty() ? Look::graph : Look::states;
            section.panels.push_back({std::string(figure.name), look, {std::string(figure.name)}});
        }
        sections.push_back(std::move(section));
    }
    return sections;
}

Figure figure_named(const std::string& name) {
    for (const auto& figure : figures_of_metrics()) {
        if (figure.name == name && is_metric(figure)) return figure;
    }
    throw std::invalid_argument("no metric: " + name);
}

bool is_counter(const Figure& figure) {
    return figure.kind == lib::FigureKind::counter;
}

std::string series_of(const Figure& figure) {
    const auto of_pair = R"({pair=~"$pair"})";
    if (is_counter(figure)) {
        return fmt::format("rate({}_total{}[$__rate_interval])", app::metric_name(figure), of_pair);
    }
    return app::metric_name(figure) + of_pair;
}

// Grafana's names of units; of a counter what it grows by in a second is shown.
std::string_view unit_of(const Figure& figure) {
    switch (figure.unit) {
        case lib::Unit::bytes:
            return is_counter(figure) ? "Bps" : "bytes";
        case lib::Unit::seconds:
        case lib::Unit::milliseconds:
        case lib::Unit::microseconds:
            return is_counter(figure) ? "percentunit" : "s";
        case lib::Unit::one:
            break;
    }
    return is_counter(figure) ? "ops" : "short";
}

json::array targets_of(const Panel& panel) {
    json::array targets;
    const auto add = [&](const std::string& query, std::string_view legend) {
        targets.push_back({{"refId", std::string(1, static_cast<char>('A' + targets.size()))},
                           {"expr", query},
                           {"legendFormat", legend}});
    };
    if (panel.look == Look::ratio) {
        add(series_of(figure_named(panel.figures[0])) + " / " +
                series_of(figure_named(panel.figures[1])),
            "{{instance}}");
        return targets;
    }
    for (const auto& name : panel.figures) {
        const auto figure = figure_named(name);
        if (panel.look == Look::states) {
            add(series_of(figure) + " == 1", "{{instance}} {{state}}");
        } else {
            add(series_of(figure),
                panel.figures.size() == 1 ? "{{instance}}" : "{{instance}} " + name);
        }
    }
    return targets;
}

std::string description_of(const Panel& panel) {
    std::string text;
    for (const auto& name : panel.figures)
        text += fmt::format("{}{}: {}", text.empty() ? "" : "\n\n", name, figure_named(name).help);
    return text;
}

std::string_view type_of(Look look) {
    switch (look) {
        case Look::number:
            return "stat";
        case Look::states:
            return "state-timeline";
        case Look::graph:
        case Look::ratio:
            break;
    }
    return "timeseries";
}

constexpr int columns = 24;  // Grafana's
constexpr int width = 8;
constexpr int height = 7;
constexpr int height_of_title = 1;

// Lays panels out from the top, in rows of three.
class Page {
  public:
    json::object title(const std::string& text, bool is_closed) {
        begin_row();
        json::object title{{"id", next_id_++},
                           {"type", "row"},
                           {"title", text},
                           {"collapsed", is_closed},
                           {"gridPos", {{"x", 0}, {"y", y_}, {"w", columns}, {"h", 1}}},
                           {"panels", json::array{}}};
        y_ += height_of_title;
        return title;
    }

    json::object panel(const Panel& panel) {
        if (x_ + width > columns) begin_row();
        const auto unit =
            panel.look == Look::ratio ? "percentunit" : unit_of(figure_named(panel.figures[0]));
        json::object made{{"id", next_id_++},
                          {"type", type_of(panel.look)},
                          {"title", panel.title},
                          {"description", description_of(panel)},
                          {"datasource", {{"type", "prometheus"}, {"uid", "$datasource"}}},
                          {"gridPos", {{"x", x_}, {"y", y_}, {"w", width}, {"h", height}}},
                          {"fieldConfig", {{"defaults", {{"unit", unit}}}}},
                          {"targets", targets_of(panel)}};
        x_ += width;
        return made;
    }

    void begin_row() {
        if (x_ > 0) y_ += height;
        x_ = 0;
    }

  private:
    int next_id_ = 1;
    int x_ = 0;
    int y_ = 0;
};

json::object variable(std::string_view name, std::string_view type, std::string_view query) {
    json::object made{{"name", name}, {"type", type}, {"query", query}};
    if (type == "query") {
        made["datasource"] = {{"type", "prometheus"}, {"uid", "$datasource"}};
        made["includeAll"] = true;
        made["multi"] = true;
        made["allValue"] = ".*";
        made["refresh"] = 2;  // when the range of time changes: pairs come and go
        made["current"] = {{"text", "All"}, {"value", "$__all"}};
    }
    return made;
}

std::string line_of(const json::value& value) {
    return "    " + json::serialize(value);
}

}  // namespace

std::string dashboard_text() {
    auto sections = chosen_sections();
    for (auto& section : other_sections(sections))
        sections.push_back(std::move(section));
    Page page;
    std::vector<std::string> lines;
    for (const auto& section : sections) {
        auto title = page.title(section.title, section.is_closed);
        json::array inside;
        std::vector<std::string> below;
        for (const auto& panel : section.panels) {
            auto made = page.panel(panel);
            if (section.is_closed)
                inside.push_back(std::move(made));
            else
                below.push_back(line_of(made));
        }
        title["panels"] = std::move(inside);
        lines.push_back(line_of(title));
        lines.insert(lines.end(), below.begin(), below.end());
    }
    const json::array variables{
        variable("datasource", "datasource", "prometheus"),
        variable("pair", "query", "label_values(twincached_build_info, pair)")};
    return fmt::format(R"({{
  "title": "twincached",
  "uid": "twincached",
  "tags": ["twincached", "memcached"],
  "schemaVersion": 37,
  "editable": true,
  "refresh": "10s",
  "time": {{"from": "now-1h", "to": "now"}},
  "templating": {{"list": {}}},
  "panels": [
{}
  ]
}}
)",
                       json::serialize(variables), fmt::join(lines, ",\n"));
}

}  // namespace twincached::tidy
