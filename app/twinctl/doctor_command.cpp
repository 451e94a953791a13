#include "app/twinctl/doctor_command.hpp"

#include "app/twinctl/admin_client.hpp"
#include "app/twinctl/check.hpp"
#include "app/twinctl/doctor/haproxy_findings.hpp"
#include "app/twinctl/doctor/machine_findings.hpp"
#include "app/twinctl/doctor/node_findings.hpp"
#include "app/twinctl/node_status.hpp"
#include "lib/json.hpp"
#include "lib/numbers.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <optional>

namespace twincached::app {
namespace {

namespace json = boost::json;

std::optional<std::string> content_of(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) return std::nullopt;
    return std::string(std::istreambuf_iterator<char>(file), {});
}

// A file that is not there says nothing, and nothing is found by it.
std::string kernel_text(const std::string& path) {
    return content_of(path).value_or(std::string());
}

int kernel_number(const std::string& path) {
    const auto text = kernel_text(path);
    return lib::parse_number<int>(text.substr(0, text.find('\n'))).value_or(0);
}

NodeStatus status_of(const NodeAddress& node, const Arguments& arguments) {
    const auto answer = ask(node, "/status", arguments.timeout);
    if (answer.has_error()) return unreachable(node.text, answer.error());
    return node_status(node.text, answer->body);
}

// The one place where figures' names meet the doctor: what judges them is pure, and has tests.
NodeFacts facts_of(const NodeStatus& node) {
    NodeFacts facts;
    facts.name = node.asked_at;
    facts.error = node.error;
    if (!node.error.empty()) return facts;
    facts.is_ready = node.is_ready();
    facts.summary = node.text("summary");
    facts.state = node.text("state");
    facts.role = node.text("role");
    facts.node = node.text("node");
    facts.peer = node.peer_text("address");
    facts.is_of_cluster = is_of_cluster(node);
    facts.broker = node.figure_text("repl_broker");
    facts.listen = node.figure_text("repl_listen");
    facts.authentication = node.figure_text("repl_authentication");
    facts.legacy = node.figure_text("repl_legacy");
    facts.had_legacy_dump =
        node.count("repl_legacy_dumps_received") + node.count("repl_legacy_dumps_sent") > 0;
    facts.items = node.count("curr_items");
    facts.last_refusal = node.peer_text("last_refusal");
    facts.stream_doubts = node.figure_text("repl_stream_doubts");
    facts.version = node.figure_text("repcached_version");
    facts.peer_version = node.figure_text("repl_peer_version");
    facts.has_link_tls = node.figure_text("repl_tls") == "yes";
    facts.clock_offset_ms =
        static_cast<std::int64_t>(std::clamp(node.figure("repl_clock_offset_ms"), -1e15, 1e15));
    facts.max_connections = node.count("max_connections");
    facts.memory_limit = node.count("limit_maxbytes");
    facts.log_limit = node.count("repl_log_limit_bytes");
    facts.evicted_unsent = node.count("repl_evicted_before_send");
    facts.scrub_defects = node.count("repl_scrub_defects");
    return facts;
}

LocalNodeFacts process_of(const NodeStatus& node) {
    const auto folder = fmt::format("/proc/{}/", node.count("pid"));
    const auto limits = kernel_text(folder + "limits");
    const auto status = kernel_text(folder + "status");
    LocalNodeFacts facts;
    facts.name = node.asked_at;
    facts.open_files = limit_in(limits, "Max open files");
    facts.lockable_bytes = limit_in(limits, "Max locked memory");
    facts.locked_bytes = bytes_in(status, "VmLck:");
    facts.swapped_bytes = bytes_in(status, "VmSwap:");
    facts.max_connections = node.count("max_connections");
    facts.reserved_files = node.count("reserved_fds");
    facts.memory_bytes = node.count("limit_maxbytes") + node.count("repl_log_limit_bytes");
    return facts;
}

MachineFacts machine_of(std::uint64_t nodes_bytes) {
    const auto memory = kernel_text("/proc/meminfo");
    MachineFacts facts;
    facts.memory_bytes = bytes_in(memory, "MemTotal:");
    facts.swap_bytes = bytes_in(memory, "SwapTotal:");
    facts.commit_limit_bytes = bytes_in(memory, "CommitLimit:");
    facts.overcommit = kernel_number("/proc/sys/vm/overcommit_memory");
    facts.swappiness = kernel_number("/proc/sys/vm/swappiness");
    facts.nodes_bytes = nodes_bytes;
    return facts;
}

std::string_view name_of(Finding::Weight weight) noexcept {
    return weight == Finding::Weight::wrong ? "wrong" : "risky";
}

// What was looked at, and what came of it.
struct Examination {
    Findings findings;
    std::vector<std::string> seen;
    std::uint64_t max_connections = 0;  // the lowest; 0: no node has answered
};

void examine_nodes(const Arguments& arguments, Examination& to) {
    std::vector<NodeFacts> all;
    std::uint64_t bytes_here = 0;
    bool is_any_here = false;
    for (const auto& address : arguments.nodes) {
        const auto node = status_of(address, arguments);
        all.push_back(facts_of(node));
        to.seen.push_back(address.text);
        judge_node(all.back(), to.findings);
        if (!node.error.empty()) continue;
        const auto most = all.back().max_connections;
        to.max_connections = to.max_connections == 0 ? most : std::min(to.max_connections, most);
        // A unix socket is of this machine, and the process number means here what it means there.
        if (address.unix_socket.empty()) continue;
        is_any_here = true;
        const auto process = process_of(node);
        bytes_here += process.memory_bytes;
        judge_process(process, to.findings);
    }
    if (all.size() == 2) judge_pair(all[0], all[1], to.findings);
    if (!is_any_here) return;
    to.seen.emplace_back("this machine");
    judge_machine(machine_of(bytes_here), to.findings);
}

}  // namespace

// What is wrong, where, and on a line of its own what to do about it.
std::string doctor_screen(std::span<const Finding> findings, std::span<const std::string> seen) {
    std::string text;
    for (const auto& finding : findings) {
        text += fmt::format("{}: {}: {}\n    {}\n", name_of(finding.weight), finding.where,
                            finding.what, finding.advice);
    }
    std::string places;
    for (const auto& place : seen)
        places += (places.empty() ? "" : ", ") + place;
    return text + (findings.empty() ? "nothing found; looked at: " : "looked at: ") + places + "\n";
}

std::string doctor_json(std::span<const Finding> findings, std::span<const std::string> seen) {
    json::array array;
    for (const auto& finding : findings) {
        array.push_back(json::object{{"weight", name_of(finding.weight)},
                                     {"where", finding.where},
                                     {"what", finding.what},
                                     {"advice", finding.advice}});
    }
    json::array places;
    for (const auto& place : seen)
        places.emplace_back(place);
    const json::object page{{"findings", std::move(array)}, {"looked_at", std::move(places)}};
    return json::serialize(page) + "\n";
}

// Fails only by what is wrong: what is merely risky may be meant.
Outcome doctor(const Arguments& arguments, Print print) {
    Examination examination;
    examine_nodes(arguments, examination);
    if (!arguments.haproxy.empty()) {
        const auto text = content_of(arguments.haproxy);
        if (!text)
            return {check_failed,
                    fmt::format("--haproxy {}: it cannot be read", arguments.haproxy)};
        judge_haproxy({arguments.haproxy, *text, examination.max_connections},
                      examination.findings);
        examination.seen.push_back(arguments.haproxy);
    }
    const auto& [findings, seen, most] = examination;
    print(arguments.is_json ? doctor_json(findings, seen) : doctor_screen(findings, seen));
    const bool is_well = std::none_of(findings.begin(), findings.end(), [](const auto& finding) {
        return finding.weight == Finding::Weight::wrong;
    });
    return {is_well ? 0 : check_failed, {}};
}

}  // namespace twincached::app
