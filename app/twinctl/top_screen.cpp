#include "app/twinctl/top_screen.hpp"

#include "app/twinctl/status_screen.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <vector>

namespace twincached::app {
namespace {

namespace json = boost::json;

// "840us", "1.2ms"; "-" if nothing was measured.
std::string time_text(double microseconds) {
    if (microseconds <= 0) return "-";
    if (microseconds < 1000) return fmt::format("{:.3g}us", microseconds);
    return fmt::format("{:.3g}ms", microseconds / 1000);
}

using Steps = std::map<std::uint64_t, std::uint64_t>;  // bound in ns -> how many

// Adds to `steps` what /status tells of that kind in every dialect, times `sign`.
void add_steps(const NodeStatus& node, std::string_view kind, std::int64_t sign, Steps& steps) {
    const auto* latency = node.page.if_contains("latency");
    if (latency == nullptr || !latency->is_object()) return;
    for (const auto& [dialect, kinds] : latency->as_object()) {
        const auto* series = kinds.is_object() ? kinds.as_object().if_contains(kind) : nullptr;
        const auto* told = series != nullptr && series->is_object()
                               ? series->as_object().if_contains("steps_ns")
                               : nullptr;
        if (told == nullptr || !told->is_array()) continue;
        for (const auto& step : told->as_array()) {
            if (!step.is_array() || step.as_array().size() != 2) continue;
            const auto* bound = step.as_array()[0].if_int64();
            const auto* count = step.as_array()[1].if_int64();
            if (bound == nullptr || count == nullptr || *bound < 0 || *count < 0) continue;
            steps[static_cast<std::uint64_t>(*bound)] += static_cast<std::uint64_t>(sign * *count);
        }
    }
}

// A line; empty while nobody counts hot keys, or may see them.
std::string hottest_of(const NodeStatus& node) {
    constexpr std::size_t shown = 5;
    std::string text;
    for (const auto& key : hot_keys_of(node, "keys_by_requests", shown))
        text += fmt::format("{}{} ({})", text.empty() ? "" : ", ", key.key,
                            short_number(static_cast<double>(key.amount)));
    return text.empty() ? text : fmt::format("{} hottest keys: {}\n", node.asked_at, text);
}

std::vector<std::string> row_of(const NodeChange& node) {
    const auto& now = node.now;
    if (!now.error.empty()) return {"?", now.asked_at, "unreachable"};
    const auto name = now.text("node");
    return {name.empty() ? "-" : name,
            now.asked_at,
            now.text("role"),
            now.text("state"),
            short_number(node.rate("cmd_get")),
            fmt::format("{:.1f}", node.hit_percent()),
            short_number(node.rate("cmd_set")),
            time_text(node.slow_us("get")),
            time_text(node.slow_us("set")),
            short_number(node.rate("bytes_read")),
            short_number(node.rate("bytes_written")),
            short_number(node.rate("evictions")),
            short_number(now.figure("curr_connections")),
            short_number(now.figure("curr_items")),
            short_number(node.rate("repl_records_sent")),
            now.has_peer() ? std::to_string(now.peer_number("lag_ms")) : "-"};
}

}  // namespace

double NodeChange::rate(std::string_view figure) const {
    return std::max(0.0, now.figure(figure) - before.figure(figure)) / between.count();
}

double NodeChange::hit_percent() const {
    const auto hits = rate("get_hits");
    const auto all = hits + rate("get_misses");
    return all == 0 ? 0 : 100 * hits / all;
}

double NodeChange::slow_us(std::string_view kind) const {
    Steps steps;
    add_steps(now, kind, 1, steps);
    add_steps(before, kind, -1, steps);
    std::uint64_t all = 0;
    for (const auto& [bound, count] : steps) {
        // A node that was started anew in between has measured less than before.
        if (static_cast<std::int64_t>(count) < 0) return 0;
        all += count;
    }
    std::uint64_t seen = 0;
    for (const auto& [bound, count] : steps) {
        seen += count;
        if (all > 0 && 100 * seen >= 99 * all) return static_cast<double>(bound) / 1000;
    }
    return 0;
}

std::string top_screen(std::span<const NodeChange> nodes) {
    std::vector<std::vector<std::string>> rows{
        {"Node", "Asked at", "Role", "Link", "Gets/s", "Hits %", "Sets/s", "Get p99", "Set p99",
         "In B/s", "Out B/s", "Evicted/s", "Clients", "Items", "Sent/s", "Lag ms"}};
    for (const auto& node : nodes)
        rows.push_back(row_of(node));
    auto text = table_text(rows);
    for (const auto& node : nodes) {
        if (!node.now.error.empty()) text += node.now.error + "\n";
    }
    for (const auto& node : nodes)
        text += hottest_of(node.now);
    return text;
}

std::string top_json(std::span<const NodeChange> nodes) {
    json::array array;
    for (const auto& node : nodes) {
        json::object object{{"asked_at", node.now.asked_at}};
        if (!node.now.error.empty()) {
            object["error"] = node.now.error;
            array.push_back(std::move(object));
            continue;
        }
        object["hit_percent"] = node.hit_percent();
        object["get_p99_us"] = node.slow_us("get");
        object["set_p99_us"] = node.slow_us("set");
        for (const auto* figure : {"cmd_get", "cmd_set", "bytes_read", "bytes_written", "evictions",
                                   "repl_records_sent"})
            object[std::string(figure) + "_per_second"] = node.rate(figure);
        for (const auto* figure : {"curr_connections", "curr_items", "repl_lag_ms"})
            object[figure] = node.now.figure(figure);
        array.push_back(std::move(object));
    }
    return json::serialize(array) + "\n";
}

}  // namespace twincached::app
