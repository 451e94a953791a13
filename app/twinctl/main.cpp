// twinctl: the admin endpoint's client. The only place that prints, and that catches exceptions.
#include "app/output/standard_streams.hpp"
#include "app/twinctl/admin_client.hpp"
#include "app/twinctl/arguments.hpp"
#include "app/twinctl/check.hpp"
#include "app/twinctl/doctor_command.hpp"
#include "app/twinctl/history.hpp"
#include "app/twinctl/item_commands.hpp"
#include "app/twinctl/migration/migration.hpp"
#include "app/twinctl/order.hpp"
#include "app/twinctl/plain_text.hpp"
#include "app/twinctl/status_screen.hpp"
#include "app/twinctl/top_screen.hpp"

#include <fmt/format.h>

#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <exception>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace twincached::app {
namespace {

using Clock = std::chrono::steady_clock;

// keepalived would take any other status for a weight.
constexpr int exit_failed = check_failed;

void print(std::string_view text) {
    std::fwrite(text.data(), 1, text.size(), stdout);
    std::fflush(stdout);
}

int complain(std::string_view sentence) {
    std::fputs(fmt::format("twinctl: {}\n", sentence).c_str(), stderr);
    return exit_failed;
}

std::string said_by(const NodeAddress& node, std::string_view sentence) {
    return node.text + ": " + plain_line(sentence);
}

NodeStatus look_at(const NodeAddress& node, const Arguments& arguments) {
    const auto answer = ask(node, "/status", arguments.timeout);
    if (answer.has_error()) return unreachable(node.text, answer.error());
    return node_status(node.text, answer->body);
}

std::vector<NodeStatus> look_at_all(const Arguments& arguments) {
    std::vector<NodeStatus> seen;
    for (const auto& node : arguments.nodes)
        seen.push_back(look_at(node, arguments));
    return seen;
}

int status(const Arguments& arguments) {
    const auto seen = look_at_all(arguments);
    print(arguments.is_json ? status_json(seen) : status_screen(seen));
    for (const auto& node : seen) {
        if (!node.error.empty()) return exit_failed;
    }
    return 0;
}

int top(const Arguments& arguments) {
    auto before = look_at_all(arguments);
    auto looked_at = Clock::now();
    for (std::uint64_t round = 0; arguments.rounds == 0 || round < arguments.rounds; ++round) {
        std::this_thread::sleep_for(arguments.interval);
        auto now = look_at_all(arguments);
        const auto at = Clock::now();
        std::vector<NodeChange> changes;
        for (std::size_t i = 0; i < now.size(); ++i)
            changes.push_back({before[i], now[i], at - looked_at});
        // To the upper left corner, and what was there is gone.
        if (!arguments.is_json && ::isatty(STDOUT_FILENO) == 1) print("\x1b[H\x1b[2J");
        print(arguments.is_json ? top_json(changes) : top_screen(changes));
        before = std::move(now);
        looked_at = at;
    }
    return 0;
}

// What happened before is not shown: the first look says where to begin.
int watch(const Arguments& arguments) {
    std::vector<std::uint64_t> seen(arguments.nodes.size(), 0);
    bool is_first = true;
    for (std::uint64_t round = 0; arguments.rounds == 0 || round < arguments.rounds; ++round) {
        for (std::size_t i = 0; i < arguments.nodes.size(); ++i) {
            const auto& node = arguments.nodes[i];
            const auto answer =
                ask(node, fmt::format("/events?after={}", seen[i]), arguments.timeout);
            if (answer.has_error()) {
                if (is_first) return complain(answer.error());
                print(node.text + ": " + answer.error() + "\n");
                continue;
            }
            if (answer->status != 200) return complain(said_by(node, answer->body));
            const auto events = node_events(answer->body);
            if (events.has_error()) return complain(said_by(node, events.error()));
            for (const auto& event : *events) {
                seen[i] = event.number;
                if (is_first) continue;
                print(arguments.is_json ? event_json(node.text, event)
                                        : event_line(node.text, event));
            }
        }
        is_first = false;
        std::this_thread::sleep_for(arguments.interval);
    }
    return 0;
}

// The log around it is told to the user of a node alone; who asks by a port does without.
int explain(const Arguments& arguments) {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    const auto now_ms = std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
    int exit_code = 0;
    for (const auto& node : arguments.nodes) {
        const auto history = ask(node, "/history", arguments.timeout);
        if (history.has_error()) {
            exit_code = complain(history.error());
            continue;
        }
        const auto changes = node_history(history->body);
        if (history->status != 200 || changes.has_error()) {
            exit_code = complain(said_by(node, no_node_answers));
            continue;
        }
        if (arguments.is_json) {
            print(history->body);
            continue;
        }
        std::vector<NodeEvent> events;
        const auto page = ask(node, "/events", arguments.timeout);
        if (page.has_value() && page->status == 200)
            if (auto told = node_events(page->body)) events = std::move(*told);
        print(explanation(node.text, *changes, events, now_ms));
    }
    return exit_code;
}

MigrationFacts migration_facts(const NodeStatus& node) {
    return {.has_peer = node.has_peer(),
            .is_paired = node.figure("repl_protocol") > 0,
            .legacy = node.figure_text("repl_legacy"),
            .applies = node.figure_text("repl_legacy_apply") == "yes",
            .dumps_received = node.count("repl_legacy_dumps_received"),
            .dumps_sent = node.count("repl_legacy_dumps_sent"),
            .items = node.count("curr_items"),
            .peer = node.figure_text("repl_peer")};
}

int migrate(const Arguments& arguments) {
    int exit_code = 0;
    boost::json::array all;
    for (const auto& node : look_at_all(arguments)) {
        if (!node.error.empty()) {
            exit_code = complain(node.error);
            continue;
        }
        const auto step = migration_step(migration_facts(node));
        all.push_back(migration_json(node.asked_at, step));
        if (!arguments.is_json) print(migration_screen(node.asked_at, step));
    }
    if (arguments.is_json) print(boost::json::serialize(all) + "\n");
    return exit_code;
}

// A limit of the lag is the node's to judge.
CheckResult check_lag(const NodeAddress& node, const Arguments& arguments) {
    const auto target = fmt::format("/synchronised?lag={}ms", arguments.lag->count());
    const auto answer = ask(node, target, arguments.timeout);
    if (answer.has_error()) return {check_failed, answer.error()};
    return {answer->status == 200 ? 0 : check_failed, plain_line(answer->body)};
}

int check_one(const Arguments& arguments) {
    if (arguments.nodes.size() > 1)
        return complain("check asks one node: name it with --pid, --host or --socket");
    const auto& node = arguments.nodes.front();
    CheckResult result;
    if (arguments.lag) {
        result = check_lag(node, arguments);
    } else {
        const auto seen = look_at(node, arguments);
        result =
            arguments.is_weight ? as_weight(seen, arguments.check) : check(seen, arguments.check);
    }
    if (arguments.is_json) {
        const boost::json::object object{{"exit_code", result.exit_code}, {"why", result.line}};
        print(boost::json::serialize(object) + "\n");
    } else {
        print(result.line + "\n");
    }
    return result.exit_code;
}

int outcome_of(Outcome (*command)(const Arguments&, Print), const Arguments& arguments) {
    const auto outcome = command(arguments, [](std::string_view text) { print(text); });
    if (!outcome.complaint.empty()) complain(outcome.complaint);
    return outcome.exit_code;
}

int dispatch(const Arguments& arguments) {
    const auto& command = arguments.command;
    if (command == "top") return top(arguments);
    if (command == "check") return check_one(arguments);
    if (command == "watch") return watch(arguments);
    if (command == "explain") return explain(arguments);
    if (command == "migrate") return migrate(arguments);
    if (command == "doctor") return outcome_of(doctor, arguments);
    if (command == "keys") return outcome_of(list_keys, arguments);
    if (command == "dump") return outcome_of(dump_items, arguments);
    if (command == "digest") return outcome_of(compare_digests, arguments);
    return status(arguments);
}

int run(const std::vector<std::string>& words) {
    auto arguments = parse_arguments(words);
    if (arguments.has_error()) return complain(arguments.error());
    if (arguments->command == "help") return print(usage()), 0;
    if (arguments->command == "version") return print("twinctl " TWINCACHED_VERSION "\n"), 0;
    if (arguments->command == "load") return outcome_of(load_items, *arguments);
    if (arguments->nodes.empty()) arguments->nodes = local_nodes();
    if (arguments->nodes.empty()) {
        return complain(
            "no node runs on this machine with `local` in its listen of [admin]: name one with "
            "--host or --socket");
    }
    if (is_order(arguments->command)) {
        const auto show = [](std::string_view text) { print(text); };
        if (arguments->nodes.size() == 1) return order(*arguments, show);
        return complain(arguments->command +
                        " is told to one node: name it with --pid or --socket");
    }
    return dispatch(*arguments);
}

}  // namespace
}  // namespace twincached::app

int main(int argc, char** argv) {
    (void)twincached::app::hold_standard_streams();
    try {
        return twincached::app::run({argv + 1, argv + argc});
    } catch (const std::exception& error) {
        return twincached::app::complain(error.what());
    }
}
