#include "app/twinctl/top_screen.hpp"

#include "app/twinctl/status_screen.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

namespace twincached::app {
namespace {

namespace json = boost::json;

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

std::string top_screen(std::span<const NodeChange> nodes) {
    std::vector<std::vector<std::string>> rows{
        {"Node", "Asked at", "Role", "Link", "Gets/s", "Hits %", "Sets/s", "In B/s", "Out B/s",
         "Evicted/s", "Clients", "Items", "Sent/s", "Lag ms"}};
    for (const auto& node : nodes)
        rows.push_back(row_of(node));
    auto text = table_text(rows);
    for (const auto& node : nodes) {
        if (!node.now.error.empty()) text += node.now.error + "\n";
    }
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
