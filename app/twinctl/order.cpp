#include "app/twinctl/order.hpp"

#include "app/twinctl/admin_client.hpp"
#include "app/twinctl/check.hpp"
#include "app/twinctl/plain_text.hpp"
#include "storage/key.hpp"

#include <fmt/format.h>

#include <unistd.h>

#include <algorithm>
#include <thread>

namespace twincached::app {
namespace {

namespace json = boost::json;

constexpr std::chrono::milliseconds look_period{50};
constexpr unsigned bar_width = 40;

bool takes_time(std::string_view command) noexcept {
    return command == "promote" || command == "switchover" || command == "resync";
}

OrderProgress role_progress(std::string_view wanted, const NodeStatus& now) {
    const auto role = now.text("role");
    return {role == wanted, 0, fmt::format("this node is the {}", role)};
}

// A repcached is called anew, and tells all that it holds.
OrderProgress redial_progress(const NodeStatus& before, const NodeStatus& now) {
    constexpr std::string_view dumps = "repl_legacy_dumps_received";
    OrderProgress progress;
    const bool is_there = now.figure_text("repl_legacy") == "linked";
    progress.is_over = is_there && now.figure(dumps) > before.figure(dumps);
    progress.percent = progress.is_over ? 100 : 0;
    progress.line = progress.is_over ? "the repcached has told all that it holds"
                                     : "the repcached has not told all that it holds";
    return progress;
}

// Neither node has anything left to compare, and the comparison did begin.
OrderProgress resync_progress(const NodeStatus& before, const NodeStatus& now) {
    const auto legacy = before.figure_text("repl_legacy");
    if (legacy == "linked" || legacy == "filling") return redial_progress(before, now);
    const bool has_begun = now.figure("repl_resyncs") > before.figure("repl_resyncs");
    const auto left = now.figure("repl_dirty_buckets") + now.figure("repl_walking");
    const auto peers = now.figure("repl_peer_dirty_buckets");
    constexpr double buckets = storage::bucket_count;
    const auto most = std::clamp(std::max(left, peers), 0.0, buckets);
    OrderProgress progress;
    progress.percent = has_begun ? static_cast<unsigned>(100 * (buckets - most) / buckets) : 0;
    progress.is_over = has_begun && most == 0 && now.text("state") == "LINKED";
    progress.line = progress.is_over ? "all buckets are compared; the nodes are in step"
                                     : fmt::format("{} % compared", progress.percent);
    return progress;
}

NodeStatus look_at(const NodeAddress& node, std::chrono::milliseconds patience) {
    const auto answer = ask(node, "/status", patience);
    if (answer.has_error()) return unreachable(node.text, answer.error());
    return node_status(node.text, answer->body);
}

int tell_result(const Arguments& arguments, bool is_done, std::string_view sentence,
                lib::FunctionRef<void(std::string_view)> print) {
    if (arguments.is_json) {
        print(json::serialize(json::object{{"done", is_done}, {"sentence", sentence}}) + "\n");
    } else {
        print(fmt::format("{}{}\n", is_done ? "" : "not done: ", sentence));
    }
    return is_done ? 0 : check_failed;
}

// Until it is over; a resync takes as long as it takes, and goes on if this is interrupted.
int await_end(const Arguments& arguments, const NodeStatus& before,
              lib::FunctionRef<void(std::string_view)> print) {
    const auto& command = arguments.command;
    const auto& node = arguments.nodes.front();
    const auto deadline = std::chrono::steady_clock::now() + order_patience;
    const bool shows_bar =
        command == "resync" && !arguments.is_json && ::isatty(STDOUT_FILENO) == 1;
    for (;;) {
        std::this_thread::sleep_for(look_period);
        const auto now = look_at(node, arguments.timeout);
        if (!now.error.empty()) return tell_result(arguments, false, now.error, print);
        const auto progress = order_progress(command, before, now);
        if (shows_bar) print("\r" + bar(progress.percent) + (progress.is_over ? "\n" : ""));
        if (progress.is_over) return tell_result(arguments, true, progress.line, print);
        const bool may_last = command == "resync" && now.text("state") != "LISTENING";
        if (may_last || std::chrono::steady_clock::now() < deadline) continue;
        return tell_result(arguments, false,
                           fmt::format("after {} s {}; the log of the nodes says why",
                                       order_patience.count(), progress.line),
                           print);
    }
}

}  // namespace

std::string order_target(const Arguments& arguments) {
    if (arguments.command == "log-level") return "/log-level?level=" + arguments.level;
    return "/" + arguments.command;
}

OrderProgress order_progress(std::string_view command, const NodeStatus& before,
                             const NodeStatus& now) {
    if (command == "resync") return resync_progress(before, now);
    const bool was_primary = before.text("role") == "primary";
    const bool becomes_primary = command == "promote" || !was_primary;
    return role_progress(becomes_primary ? "primary" : "secondary", now);
}

std::string bar(unsigned percent) {
    const auto done = std::min(100U, percent) * bar_width / 100;
    return fmt::format("[{:<{}}] {:>3} %", std::string(done, '#'), bar_width, percent);
}

int order(const Arguments& arguments, lib::FunctionRef<void(std::string_view)> print) {
    const auto& node = arguments.nodes.front();
    const auto before = look_at(node, arguments.timeout);
    if (!before.error.empty()) return tell_result(arguments, false, before.error, print);
    const auto answer = tell(node, order_target(arguments), arguments.timeout);
    if (answer.has_error()) return tell_result(arguments, false, answer.error(), print);
    const auto sentence = plain_line(answer->body);
    const bool is_taken = answer->status == 200;
    if (!is_taken || !takes_time(arguments.command))
        return tell_result(arguments, is_taken, sentence, print);
    if (!arguments.is_json) print(sentence + "\n");
    return await_end(arguments, before, print);
}

}  // namespace twincached::app
