#include "app/twinctl/status_screen.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

namespace twincached::app {
namespace {

namespace json = boost::json;
using Row = std::vector<std::string>;

std::string node_name(const NodeStatus& node) {
    const auto name = node.text("node");
    return name.empty() ? "-" : name;
}

// In one word, the worst first.
std::string condition(const NodeStatus& node) {
    if (!node.error.empty()) return "unreachable";
    if (node.flag("stopping")) return "stopping";
    if (!node.flag("open")) return "cold";
    const auto access = node.text("access");
    if (access == "open" && node.text("phase") == "drained") return "drained";
    return access == "open" ? "ready" : access;
}

Row row_of(const NodeStatus& node) {
    if (!node.error.empty())
        return {"?", node.asked_at, "-", condition(node), "-", "-", "-", "-", "-", "-", "-"};
    const auto of_peer = [&](std::string_view member) {
        return node.has_peer() ? std::to_string(node.peer_number(member)) : std::string("-");
    };
    const auto used = short_number(node.figure("memory_used"));
    const auto limit = short_number(node.figure("limit_maxbytes"));
    return {node_name(node),
            node.asked_at,
            is_of_cluster(node) ? "-" : node.text("role"),
            condition(node),
            node.text("state"),
            of_peer("lag_ms"),
            of_peer("unconfirmed_changes"),
            fmt::format("{:.0f}/{:.0f}", node.figure("curr_connections"),
                        node.figure("max_connections")),
            short_number(node.figure("curr_items")),
            used + "/" + limit,
            short_time(node.figure("uptime"))};
}

// Who decides locks and counters (arbitrate); empty where nobody ever did.
std::string arbitration_of(const NodeStatus& node) {
    const auto holds = node.figure_text("repl_arbitration");
    const auto asked = node.figure("repl_asked");
    const auto decided = node.figure("repl_decided_for_peer");
    const bool is_off = holds.empty() || holds == "off";
    if (is_off && asked == 0 && decided == 0) return {};
    const bool is_this = node.figure_text("repl_decides") == "yes";
    auto text = fmt::format("    arbitrate {} for {}: {}", is_off ? "off" : holds,
                            short_time(node.figure("repl_arbitration_age")),
                            is_off    ? "each node decides for itself"
                            : is_this ? "this node decides for both"
                                      : "the other node decides");
    text += fmt::format("; {} asked, {} answered, {} unknown", short_number(asked),
                        short_number(node.figure("repl_asked_answered")),
                        short_number(node.figure("repl_asked_unknown")));
    if (asked > 0) text += fmt::format(", {:.0f} us of late", node.figure("repl_asked_latency_us"));
    return text + fmt::format("; {} decided for the peer\n", short_number(decided));
}

// Over which NATS server, and how the others are, as they last said in the log.
std::string cluster_remark(const NodeStatus& node) {
    const auto broker = node.figure_text("repl_broker");
    auto text = fmt::format("    NATS server: {}; {} of {} messages read\n",
                            broker.empty() ? "none" : broker,
                            short_number(node.figure("repl_stream_consumed")),
                            short_number(node.figure("repl_stream_last")));
    for (const std::string_view member : {"0", "1", "2", "3"}) {
        const auto name = "repl_member_" + std::string(member);
        const auto said = node.figure_text(name);
        if (said.empty() || member == node.text("node")) continue;
        text += fmt::format("    node {}: {}; {} messages behind\n", member, said,
                            short_number(node.figure(name + "_behind")));
    }
    return text;
}

// What is told below the table.
std::string remark_on(const NodeStatus& node) {
    if (!node.error.empty()) return node.error + "\n";
    auto text = fmt::format("{} {}: {}", node_name(node), node.asked_at, node.text("summary"));
    if (node.has_peer())
        text += fmt::format("; {} for {}", node.text("state"),
                            short_time(node.figure("repl_state_age")));
    text += "\n";
    if (const auto event = node.figure_text("repl_last_event"); !event.empty())
        text += fmt::format("    last event of the link: {}\n", event);
    if (is_of_cluster(node)) return text + cluster_remark(node);
    return text + arbitration_of(node);
}

// What the node knows of the other: what it says of itself, or since when it says nothing.
std::string peer_condition(const NodeStatus& node) {
    const auto role = node.peer_text("role");
    if (!role.empty())
        return fmt::format(", {} and {}", role,
                           node.peer_text("serving") == "COLD" ? "cold" : "ready");
    const auto legacy = node.figure_text("repl_legacy");
    if (legacy == "linked" || legacy == "filling") return fmt::format(", a repcached, {}", legacy);
    const auto heard = node.figure("repl_last_contact_age");
    return heard < 0 ? ", never heard yet" : fmt::format(", last heard {} ago", short_time(heard));
}

std::string peer_remark(const NodeStatus& node) {
    if (!node.has_peer() || is_of_cluster(node)) return {};
    const auto version = node.figure_text("repl_peer_version");
    return fmt::format("its peer {} at {}{}{}: give its admin address, too (--host), to see both\n",
                       node.figure_text("repl_peer_node"), node.peer_text("address"),
                       peer_condition(node), version.empty() ? "" : ", version " + version);
}

}  // namespace

std::string short_number(double number) {
    constexpr std::array units{"", "K", "M", "G", "T", "P"};
    std::size_t unit = 0;
    for (; number >= 1024 && unit + 1 < units.size(); ++unit)
        number /= 1024;
    const bool is_whole = number >= 10 || number == std::floor(number);
    return is_whole ? fmt::format("{:.0f}{}", number, units[unit])
                    : fmt::format("{:.1f}{}", number, units[unit]);
}

std::string short_time(double seconds) {
    constexpr double longest = 1e15;
    const auto whole = static_cast<long>(std::clamp(seconds, -longest, longest));
    if (whole >= 86400) return fmt::format("{}d {}h", whole / 86400, whole % 86400 / 3600);
    if (whole >= 3600) return fmt::format("{}h {}m", whole / 3600, whole % 3600 / 60);
    if (whole >= 60) return fmt::format("{}m {}s", whole / 60, whole % 60);
    return fmt::format("{}s", whole);
}

std::string table_text(std::span<const Row> rows) {
    std::vector<std::size_t> widths;
    for (const auto& row : rows) {
        widths.resize(std::max(widths.size(), row.size()));
        for (std::size_t i = 0; i < row.size(); ++i)
            widths[i] = std::max(widths[i], row[i].size());
    }
    std::string rule = "+";
    for (const auto width : widths)
        rule += std::string(width + 2, '-') + "+";
    rule += "\n";
    std::string text = rule;
    for (std::size_t number = 0; number < rows.size(); ++number) {
        text += "|";
        for (std::size_t i = 0; i < widths.size(); ++i)
            text +=
                fmt::format(" {:<{}} |", i < rows[number].size() ? rows[number][i] : "", widths[i]);
        text += "\n";
        if (number == 0) text += rule;
    }
    return text + rule;
}

std::string status_screen(std::span<const NodeStatus> nodes) {
    std::vector<Row> rows{{"Node", "Asked at", "Role", "Clients", "Link", "Lag ms", "Unconfirmed",
                           "Connections", "Items", "Memory", "Uptime"}};
    for (const auto& node : nodes)
        rows.push_back(row_of(node));
    auto text = table_text(rows);
    for (const auto& node : nodes)
        text += remark_on(node);
    if (nodes.size() == 1) text += peer_remark(nodes.front());
    return text;
}

std::string status_json(std::span<const NodeStatus> nodes) {
    json::array array;
    for (const auto& node : nodes) {
        json::object object{{"asked_at", node.asked_at}};
        if (node.error.empty()) {
            object["status"] = node.page;
        } else {
            object["error"] = node.error;
        }
        array.push_back(std::move(object));
    }
    return json::serialize(array) + "\n";
}

}  // namespace twincached::app
