#include "app/endpoint/metrics_page.hpp"

#include "app/endpoint/metric_names.hpp"
#include "test/unit/app/endpoint/fake_node.hpp"

#include <catch2/catch.hpp>

#include <map>
#include <set>

namespace twincached::app {
namespace {

using lib::Unit;
using test::FakeNode;

constexpr std::string_view openmetrics =
    "application/openmetrics-text;version=1.0.0,text/plain;q=0.3";

FakeNode telling(std::vector<std::pair<lib::Figure, std::string>> figures) {
    FakeNode node;
    node.figures = std::move(figures);
    return node;
}

std::string body_of(const FakeNode& node, std::string_view accept = {}) {
    return node.ask("/metrics", "GET", accept).body;
}

bool has_line(const std::string& text, const std::string& line) {
    return ("\n" + text).find("\n" + line + "\n") != std::string::npos;
}

}  // namespace

TEST_CASE("a metric is named by its figure, in base units, and never like part of a histogram") {
    const std::map<std::string, lib::Figure> names{
        {"twincached_get_hits", lib::counter("get_hits", "h")},
        {"twincached_items", lib::counter("total_items", "h")},
        {"twincached_repl_lag_seconds", lib::gauge("repl_lag_ms", Unit::milliseconds, "h")},
        {"twincached_time_in_listen_disabled_seconds",
         lib::counter("time_in_listen_disabled_us", Unit::microseconds, "h")},
        {"twincached_uptime_seconds", lib::gauge("uptime", Unit::seconds, "h")},
        {"twincached_memory_used_bytes", lib::gauge("memory_used", Unit::bytes, "h")},
        {"twincached_limit_maxbytes", lib::gauge("limit_maxbytes", Unit::bytes, "h")},
        {"twincached_bytes_read", lib::counter("bytes_read", Unit::bytes, "h")},
        {"twincached_read_buf", lib::gauge("read_buf_count", "h")},
    };
    for (const auto& [name, figure] : names)
        CHECK(metric_name(figure) == name);
}

TEST_CASE("a value is told in the unit of its name") {
    CHECK(metric_value(lib::gauge("a_ms", Unit::milliseconds, "h"), "1500") == "1.5");
    CHECK(metric_value(lib::gauge("a_ms", Unit::milliseconds, "h"), "-20") == "-0.02");
    CHECK(metric_value(lib::gauge("a_us", Unit::microseconds, "h"), "1") == "1e-06");
    CHECK(metric_value(lib::counter("a", Unit::seconds, "h"), "0.250000") == "0.250000");
    CHECK(metric_value(lib::gauge("a", Unit::bytes, "h"), "18446744073709551615") ==
          "18446744073709551615");
}

TEST_CASE("a counter ends in _total, which OpenMetrics says of its samples alone") {
    const auto node = telling({{lib::counter("get_hits", "keys that were found"), "7"}});
    CHECK(body_of(node).find("# HELP twincached_get_hits_total keys that were found\n"
                             "# TYPE twincached_get_hits_total counter\n"
                             "twincached_get_hits_total 7\n") != std::string::npos);
    CHECK(body_of(node, openmetrics)
              .find("# HELP twincached_get_hits keys that were found\n"
                    "# TYPE twincached_get_hits counter\n"
                    "twincached_get_hits_total 7\n") != std::string::npos);
    CHECK(body_of(node, openmetrics).ends_with("\n# EOF\n"));
    CHECK(body_of(node).find("# EOF") == std::string::npos);
}

TEST_CASE("a state is one series for each of its words, of which one is 1; other texts are none") {
    const auto node = telling({{lib::state("repl_role", "primary|secondary", "h"), "secondary"},
                               {lib::text("repl_peer", "h"), "host-b:11212"}});
    const auto body = body_of(node);
    CHECK(has_line(body, R"(twincached_repl_role{state="primary"} 0)"));
    CHECK(has_line(body, R"(twincached_repl_role{state="secondary"} 1)"));
    CHECK(body.find("repl_peer") == std::string::npos);
}

TEST_CASE("memcached_exporter's names have the values that it would tell") {
    const auto node = telling({{lib::counter("cmd_set", "h"), "10"},
                               {lib::counter("cas_hits", "h"), "2"},
                               {lib::counter("cas_misses", "h"), "1"},
                               {lib::counter("cas_badval", "h"), "3"},
                               {lib::counter("get_misses", "h"), "5"},
                               {lib::gauge("bytes", Unit::bytes, "h"), "64"},
                               {lib::text("version", "h"), "1.6.45"}});
    const auto body = body_of(node);
    CHECK(has_line(body, R"(memcached_commands_total{command="set",status="hit"} 4)"));
    CHECK(has_line(body, R"(memcached_commands_total{command="cas",status="badval"} 3)"));
    CHECK(has_line(body, R"(memcached_commands_total{command="get",status="miss"} 5)"));
    CHECK(has_line(body, "memcached_current_bytes 64"));
    CHECK(has_line(body, "memcached_up 1"));
    CHECK(has_line(body, R"(memcached_version{version="1.6.45"} 1)"));
}

TEST_CASE("counts that were read one after the other never make a count below zero") {
    const auto node =
        telling({{lib::counter("cmd_set", "h"), "1"}, {lib::counter("cas_hits", "h"), "2"}});
    CHECK(has_line(body_of(node), R"(memcached_commands_total{command="set",status="hit"} 0)"));
}

TEST_CASE("the rows of one metric of the exporter stand together, under one help and kind") {
    std::map<std::string_view, std::set<std::string_view>> labels;
    std::string_view last;
    for (const auto& row : exporter_rows()) {
        INFO(row.metric << '{' << row.labels << '}');
        CHECK((row.metric == last || !labels.contains(row.metric)));
        CHECK(labels[row.metric].insert(row.labels).second);
        last = row.metric;
    }
}

TEST_CASE("a histogram counts what took no longer than its bounds, and all of it at the last") {
    using protocol::LatencyDialect;
    using protocol::LatencyKind;
    protocol::RequestTimes times;
    times.note({LatencyDialect::text, LatencyKind::get}, 256);
    times.note({LatencyDialect::text, LatencyKind::get}, 257);
    times.note({LatencyDialect::text, LatencyKind::get}, 5'000'000'000);
    protocol::LatencyTally tally;
    tally.add(times);
    FakeNode node;
    node.latencies = &tally;
    const auto body = body_of(node);
    const std::string series =
        R"(twincached_request_seconds_bucket{dialect="text",command="get",le=")";
    CHECK(has_line(body, "# TYPE twincached_request_seconds histogram"));
    CHECK(has_line(body, series + "2.56e-07\"} 1"));
    CHECK(has_line(body, series + "5.12e-07\"} 2"));
    CHECK(has_line(body, series + "1.073741824\"} 2"));
    CHECK(has_line(body, series + "+Inf\"} 3"));
    CHECK(has_line(body, R"(twincached_request_seconds_count{dialect="text",command="get"} 3)"));
    CHECK(has_line(body,
                   R"(twincached_request_seconds_sum{dialect="text",command="get"} 5.000000513)"));
    CHECK(body.find(R"(command="set")") == std::string::npos);
}

TEST_CASE("OpenMetrics is for who names it and wants nothing else more") {
    CHECK(prefers_openmetrics("application/openmetrics-text"));
    CHECK(
        prefers_openmetrics("application/openmetrics-text;version=1.0.0;q=0.5,"
                            "text/plain;version=0.0.4;q=0.3,*/*;q=0.2"));
    CHECK(prefers_openmetrics("text/plain, application/openmetrics-text"));
    CHECK_FALSE(prefers_openmetrics(""));
    CHECK_FALSE(prefers_openmetrics("*/*"));
    CHECK_FALSE(prefers_openmetrics("text/plain"));
    CHECK_FALSE(prefers_openmetrics("application/openmetrics-text;q=0"));
    CHECK_FALSE(prefers_openmetrics("application/openmetrics-text;q=0.2,text/plain;q=0.25"));
    CHECK_FALSE(
        prefers_openmetrics("application/openmetrics-text;q="
                            "0.,text/plain;q=0.000001"));
}

}  // namespace twincached::app
