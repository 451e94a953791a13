#include "app/endpoint/metrics_page.hpp"

#include "app/endpoint/metric_names.hpp"
#include "app/endpoint/standing.hpp"
#include "lib/numbers.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace twincached::app {
namespace {

using lib::FigureKind;

constexpr std::string_view prometheus_type = "text/plain; version=0.0.4; charset=utf-8";
constexpr std::string_view openmetrics_type =
    "application/openmetrics-text; version=1.0.0; charset=utf-8";

constexpr std::string_view latency_metric = "twincached_request_seconds";

// A row of the table of figures with its value now, as `stats` shows it.
struct Told {
    lib::Figure figure;
    std::string value;
};
using Figures = std::vector<Told>;
using Values = std::map<std::string_view, std::string_view>;

struct Metric {
    std::string name;  // without "_total"
    FigureKind kind = FigureKind::gauge;
    std::string_view help;
};

// Text in either of the two formats, which differ in few things: both are written at once.
class Page {
  public:
    explicit Page(bool is_openmetrics) noexcept : is_openmetrics_(is_openmetrics) {}

    // OpenMetrics names a counter without the ending that its samples have.
    void begin(const Metric& metric) {
        sample_name_ = metric.name + (metric.kind == FigureKind::counter ? "_total" : "");
        const auto& name = is_openmetrics_ ? metric.name : sample_name_;
        text_ += fmt::format("# HELP {} {}\n# TYPE {} {}\n", name, metric.help, name,
                             name_of(metric.kind));
    }
    void sample(std::string_view labels, std::string_view value) {
        text_ += labels.empty() ? fmt::format("{} {}\n", sample_name_, value)
                                : fmt::format("{}{{{}}} {}\n", sample_name_, labels, value);
    }
    // A metric whose samples have names of their own.
    void begin_histogram(std::string_view name, std::string_view help) {
        text_ += fmt::format("# HELP {} {}\n# TYPE {} histogram\n", name, help, name);
    }
    void line(const std::string& text) { text_.append(text).append("\n"); }
    std::string text() && {
        if (is_openmetrics_) text_ += "# EOF\n";
        return std::move(text_);
    }

  private:
    const bool is_openmetrics_;
    std::string sample_name_;
    std::string text_;
};

// Within quotes.
std::string label_text(std::string_view value) {
    std::string text;
    for (const char c : printable(value)) {
        if (c == '"' || c == '\\') text += '\\';
        text += c;
    }
    return text;
}

// A figure of few words is a series for each: 1 for the one that holds, 0 for the others, so that
// an alert can name it.
void tell_words(const Told& told, Page& page) {
    page.begin({metric_name(told.figure), FigureKind::gauge, told.figure.help});
    for (auto rest = told.figure.choices; !rest.empty();) {
        const auto word = rest.substr(0, rest.find('|'));
        rest.remove_prefix(std::min(rest.size(), word.size() + 1));
        page.sample(fmt::format("state=\"{}\"", word), word == told.value ? "1" : "0");
    }
}

void tell(const Told& told, Page& page) {
    const auto& figure = told.figure;
    if (figure.kind != FigureKind::text) {
        page.begin({metric_name(figure), figure.kind, figure.help});
        page.sample({}, metric_value(figure, told.value));
    } else if (!figure.choices.empty()) {
        tell_words(told, page);
    }
}

// memcached_exporter counts some things without others that our figures have in them.
std::string exported_value(const ExporterRow& row, const Values& values) {
    const auto value = values.at(row.figure);
    if (row.less.empty()) return std::string(value);
    auto count = lib::parse_number<std::uint64_t>(value).value_or(0);
    for (auto rest = row.less; !rest.empty();) {
        const auto name = rest.substr(0, rest.find('|'));
        rest.remove_prefix(std::min(rest.size(), name.size() + 1));
        const auto found = values.find(name);
        if (found == values.end()) continue;
        count -= std::min(count, lib::parse_number<std::uint64_t>(found->second).value_or(0));
    }
    return std::to_string(count);
}

// The names of memcached_exporter, so that dashboards and alerts made for memcached go on.
void tell_as_exporter(const Values& values, Page& page) {
    page.begin({"memcached_up", FigureKind::gauge, "always 1: who is down does not answer"});
    page.sample({}, "1");
    const auto version = values.find("version");
    if (version != values.end()) {
        page.begin({"memcached_version", FigureKind::gauge, "the level of memcached it keeps to"});
        page.sample(fmt::format("version=\"{}\"", label_text(version->second)), "1");
    }
    std::string_view begun;
    for (const auto& row : exporter_rows()) {
        if (!values.contains(row.figure)) continue;
        if (begun != row.metric) page.begin({std::string(row.metric), row.kind, row.help});
        begun = row.metric;
        page.sample(row.labels, exported_value(row, values));
    }
}

double seconds_of(std::uint64_t nanoseconds) noexcept {
    return static_cast<double>(nanoseconds) / 1e9;
}

// Of the steps those that end a power of two, so that a series has some twenty lines.
void tell_latency(const protocol::LatencyTally& tally, protocol::LatencySeries series, Page& page) {
    using Steps = protocol::LatencySteps;
    const auto labels =
        fmt::format("dialect=\"{}\",command=\"{}\"", name_of(series.dialect), name_of(series.kind));
    const auto count = tally.count(series);
    for (std::size_t step = 0; step + 1 < Steps::count; step += Steps::per_power) {
        page.line(fmt::format("{}_bucket{{{},le=\"{}\"}} {}", latency_metric, labels,
                              seconds_of(Steps::bound(step)), tally.count_within(series, step)));
    }
    page.line(fmt::format("{}_bucket{{{},le=\"+Inf\"}} {}", latency_metric, labels, count));
    page.line(fmt::format("{}_sum{{{}}} {}", latency_metric, labels,
                          seconds_of(tally.nanoseconds(series))));
    page.line(fmt::format("{}_count{{{}}} {}", latency_metric, labels, count));
}

void tell_latencies(const protocol::LatencyTally& tally, Page& page) {
    page.begin_histogram(latency_metric, protocol::latency_help);
    for (std::size_t i = 0; i < protocol::LatencySeries::count; ++i) {
        const auto series = protocol::LatencySeries::of(i);
        if (tally.count(series) > 0) tell_latency(tally, series, page);
    }
}

void tell_build(const Values& values, Page& page) {
    const auto version = values.find("twincached_version");
    if (version == values.end()) return;
    page.begin({"twincached_build_info", FigureKind::gauge, "always 1; the program's version"});
    page.sample(fmt::format("version=\"{}\"", label_text(version->second)), "1");
}

// 0 to 1000; -1: the type is not named.
int urgency_of(std::string_view type, std::string_view accept) noexcept {
    int most = -1;
    while (!accept.empty()) {
        const auto item = accept.substr(0, accept.find(','));
        accept.remove_prefix(std::min(accept.size(), item.size() + 1));
        const auto begin = item.find_first_not_of(' ');
        if (begin == std::string_view::npos || !item.substr(begin).starts_with(type)) continue;
        int urgency = 1000;
        const auto q = item.find("q=");
        // "q=0.5", at most three digits behind the point
        if (q != std::string_view::npos && item.substr(q + 2).starts_with('0')) {
            urgency = 0;
            int weight = 100;
            for (const char c : item.substr(std::min(item.size(), q + 4))) {
                if (c < '0' || c > '9') break;
                urgency += weight * (c - '0');
                weight /= 10;
            }
        }
        most = std::max(most, urgency);
    }
    return most;
}

}  // namespace

bool prefers_openmetrics(std::string_view accept) noexcept {
    const auto urgency = urgency_of("application/openmetrics-text", accept);
    return urgency > 0 && urgency >= urgency_of("text/plain", accept);
}

Answer metrics_page(const NodeView& node, std::string_view accept) {
    Figures all;
    node.figures([&](const lib::Figure& figure, std::string_view value) {
        all.push_back({figure, std::string(value)});
    });
    Values values;
    for (const auto& told : all)
        values.emplace(told.figure.name, told.value);
    const bool is_openmetrics = prefers_openmetrics(accept);
    Page page(is_openmetrics);
    tell_build(values, page);
    for (const auto& told : all)
        tell(told, page);
    if (node.latencies != nullptr) tell_latencies(*node.latencies, page);
    tell_as_exporter(values, page);
    return {.type = is_openmetrics ? openmetrics_type : prometheus_type,
            .body = std::move(page).text()};
}

}  // namespace twincached::app
