#include "app/twinctl/admin_client.hpp"

#include "lib/numbers.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <fstream>
#include <iterator>
#include <utility>

namespace twincached::app {
namespace {

using Clock = NodeConnection::Clock;

// As app/endpoint names its sockets.
constexpr std::string_view local_prefix = "twincached/admin/";
// Whatever it is that answers, it does not fill the memory of the machine that somebody looks
// after.
constexpr std::size_t answer_limit = 16U << 20;
// The largest item that there may be, in base64.
constexpr std::size_t item_answer_limit = std::size_t{3} << 29;

constexpr std::string_view no_answer =
    "it closed the connection without an answer, as one does that speaks TLS (--ca)";
constexpr std::string_view no_endpoint =
    "what answers there is no admin endpoint, or speaks TLS (--ca)";

struct Exchange {
    std::string request;
    std::size_t answer_limit;
    Clock::time_point deadline;
};

// Says what went wrong, or nothing.
std::string carry_out(const Exchange& exchange, NodeConnection& node, std::string& answer) {
    const auto deadline = exchange.deadline;
    auto why = node.send(exchange.request, deadline);
    if (!why.empty()) return why;
    std::array<char, 16384> piece;
    while (answer.size() < exchange.answer_limit) {
        const auto count = node.receive(piece, deadline);
        if (count.has_error()) return count.error();
        if (*count == 0) return {};
        answer.append(piece.data(), *count);
    }
    return "the answer is too long";
}

std::string advice(const NodeAddress& node) {
    if (node.unix_socket.empty())
        return "is the node running, and is this address in its listen of [admin]?";
    return "is the node running, and are you its user or root?";
}

std::string failure(const NodeAddress& node, std::string_view why) {
    return fmt::format("{}: {}: {}", node.text, why, advice(node));
}

}  // namespace

// The last word of a line is the name, with '@' for the zero byte; a connection that was accepted
// has its listener's name, too.
std::vector<NodeAddress> local_nodes_in(std::string_view table) {
    std::vector<NodeAddress> nodes;
    while (!table.empty()) {
        const auto line = table.substr(0, table.find('\n'));
        table.remove_prefix(std::min(table.size(), line.size() + 1));
        const auto name = line.substr(line.rfind(' ') + 1);
        if (!name.starts_with('@') || !name.substr(1).starts_with(local_prefix)) continue;
        NodeAddress node;
        node.text = fmt::format("pid {}", name.substr(1 + local_prefix.size()));
        node.unix_socket = std::string(1, '\0').append(name.substr(1));
        const auto is_known = std::any_of(nodes.begin(), nodes.end(), [&](const auto& other) {
            return other.unix_socket == node.unix_socket;
        });
        if (!is_known) nodes.push_back(std::move(node));
    }
    std::sort(nodes.begin(), nodes.end(),
              [](const auto& a, const auto& b) { return a.unix_socket < b.unix_socket; });
    return nodes;
}

// Containers that share a network share these names as well: from within one, the nodes of others
// are not this machine's. What does not take a connection is told of all the same.
std::vector<NodeAddress> local_nodes() {
    std::ifstream file("/proc/net/unix");
    auto nodes = local_nodes_in(std::string(std::istreambuf_iterator<char>(file), {}));
    std::erase_if(nodes, [](const NodeAddress& node) {
        const auto connection =
            NodeConnection::to(node, Clock::now() + std::chrono::milliseconds(100));
        return connection && connection->process() == 0;
    });
    return nodes;
}

lib::Parsed<AdminAnswer> parse_admin_answer(std::string_view bytes) {
    constexpr std::string_view version = "HTTP/1.1 ";
    const auto end = bytes.find("\r\n\r\n");
    if (bytes.empty()) return std::string(no_answer);
    if (!bytes.starts_with(version) || end == std::string_view::npos)
        return std::string(no_endpoint);
    const auto status = lib::parse_number<unsigned>(bytes.substr(version.size(), 3));
    if (!status) return std::string(no_endpoint);
    return AdminAnswer{*status, std::string(bytes.substr(end + 4))};
}

namespace {

// A request without a body.
std::string request_for(const NodeAddress& node, std::string_view method, std::string_view target) {
    auto text =
        fmt::format("{} {} HTTP/1.1\r\nHost: node\r\nConnection: close\r\n", method, target);
    if (method == "POST") text += "Content-Length: 0\r\n";
    if (!node.token.empty()) text += fmt::format("Authorization: Bearer {}\r\n", node.token);
    return text + "\r\n";
}

lib::Parsed<AdminAnswer> answer_of(const NodeAddress& node, const Exchange& exchange) {
    auto connection = NodeConnection::to(node, exchange.deadline);
    if (connection.has_error()) return failure(node, connection.error());
    std::string bytes;
    const auto why = carry_out(exchange, *connection, bytes);
    if (!why.empty()) return failure(node, why);
    auto answer = parse_admin_answer(bytes);
    if (answer.has_error()) return failure(node, answer.error());
    return answer;
}

}  // namespace

lib::Parsed<AdminAnswer> ask(const NodeAddress& node, std::string_view target,
                             std::chrono::milliseconds patience) {
    const auto limit = target.starts_with("/items") ? item_answer_limit : answer_limit;
    return answer_of(node, {request_for(node, "GET", target), limit, Clock::now() + patience});
}

lib::Parsed<AdminAnswer> tell(const NodeAddress& node, std::string_view target,
                              std::chrono::milliseconds patience) {
    return answer_of(node,
                     {request_for(node, "POST", target), answer_limit, Clock::now() + patience});
}

NodeAddress local_node(unsigned process) {
    NodeAddress node;
    node.text = fmt::format("pid {}", process);
    node.unix_socket = std::string(1, '\0').append(local_prefix).append(std::to_string(process));
    return node;
}

}  // namespace twincached::app
