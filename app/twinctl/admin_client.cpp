#include "app/twinctl/admin_client.hpp"

#include "lib/numbers.hpp"
#include "lib/system/descriptor.hpp"

#include <fmt/format.h>

#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <fstream>
#include <iterator>
#include <memory>
#include <utility>

namespace twincached::app {
namespace {

using Clock = std::chrono::steady_clock;
using lib::Descriptor;

// As app/endpoint names its sockets.
constexpr std::string_view local_prefix = "twincached/admin/";
constexpr std::size_t answer_limit = 16U << 20;

// What went wrong, as errno says it.
std::string trouble() {
    return std::strerror(errno);
}

bool await(const Descriptor& socket, short event, Clock::time_point deadline) {
    pollfd entry{socket.get(), event, 0};
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
    const int ready = ::poll(&entry, 1, static_cast<int>(std::max<std::int64_t>(0, left.count())));
    if (ready == 0) errno = ETIMEDOUT;
    return ready > 0;
}

bool connect_within(const Descriptor& socket, const sockaddr* address, socklen_t size,
                    Clock::time_point deadline) {
    if (::connect(socket.get(), address, size) == 0) return true;
    if (errno != EINPROGRESS || !await(socket, POLLOUT, deadline)) return false;
    int error = 0;
    socklen_t length = sizeof error;
    ::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &error, &length);
    errno = error;
    return error == 0;
}

Descriptor make_socket(int family) noexcept {
    return Descriptor(::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
}

lib::Parsed<Descriptor> connect_unix(const std::string& name, Clock::time_point deadline) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (name.size() >= sizeof address.sun_path) return std::string("the path is too long");
    std::copy(name.begin(), name.end(), address.sun_path);
    const auto size = offsetof(sockaddr_un, sun_path) + name.size() + (name[0] == '\0' ? 0 : 1);
    auto socket = make_socket(AF_UNIX);
    // A unix socket whose queue is full says "again" and offers nothing to wait for.
    while (!connect_within(socket, reinterpret_cast<const sockaddr*>(&address),
                           static_cast<socklen_t>(size), deadline)) {
        if (errno != EAGAIN || Clock::now() >= deadline) return trouble();
        ::poll(nullptr, 0, 10);
    }
    return socket;
}

lib::Parsed<Descriptor> connect_tcp(const lib::Endpoint& to, Clock::time_point deadline) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    const auto port = std::to_string(to.port.value_or(0));
    const int error = ::getaddrinfo(to.host.c_str(), port.c_str(), &hints, &found);
    if (error != 0) return std::string(::gai_strerror(error));
    const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> addresses(found, ::freeaddrinfo);
    for (const auto* at = found; at != nullptr; at = at->ai_next) {
        auto socket = make_socket(at->ai_family);
        if (connect_within(socket, at->ai_addr, at->ai_addrlen, deadline)) return socket;
    }
    return trouble();
}

// Says what went wrong, or nothing.
std::string exchange(const Descriptor& socket, std::string_view request, std::string& answer,
                     Clock::time_point deadline) {
    for (std::size_t sent = 0; sent < request.size();) {
        if (!await(socket, POLLOUT, deadline)) return trouble();
        const auto count =
            ::send(socket.get(), request.data() + sent, request.size() - sent, MSG_NOSIGNAL);
        if (count < 0) return trouble();
        sent += static_cast<std::size_t>(count);
    }
    char piece[16384];
    while (answer.size() < answer_limit) {
        if (!await(socket, POLLIN, deadline)) return trouble();
        const auto count = ::recv(socket.get(), piece, sizeof piece, 0);
        if (count == 0) return {};
        if (count < 0) return trouble();
        answer.append(piece, static_cast<std::size_t>(count));
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

lib::Parsed<NodeAddress> parse_node_address(std::string_view text) {
    NodeAddress node;
    node.text = text;
    if (text.starts_with('/')) {
        node.unix_socket = text;
        return node;
    }
    const auto endpoint = lib::parse_endpoint(text);
    if (endpoint.has_error()) return endpoint.error();
    if (!endpoint->port || endpoint->host.empty())
        return fmt::format("'{}' is no address of a node: write host:port", text);
    node.endpoint = *endpoint;
    return node;
}

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

std::vector<NodeAddress> local_nodes() {
    std::ifstream file("/proc/net/unix");
    return local_nodes_in(std::string(std::istreambuf_iterator<char>(file), {}));
}

lib::Parsed<AdminAnswer> parse_admin_answer(std::string_view bytes) {
    constexpr std::string_view version = "HTTP/1.1 ";
    const auto end = bytes.find("\r\n\r\n");
    if (bytes.empty()) return std::string("it closed the connection without an answer");
    if (!bytes.starts_with(version) || end == std::string_view::npos)
        return std::string("what answers there is no admin endpoint");
    const auto status = lib::parse_number<unsigned>(bytes.substr(version.size(), 3));
    if (!status) return std::string("what answers there is no admin endpoint");
    return AdminAnswer{*status, std::string(bytes.substr(end + 4))};
}

namespace {

lib::Parsed<AdminAnswer> answer_of(const NodeAddress& node, std::string_view request,
                                   std::chrono::milliseconds patience) {
    const auto deadline = Clock::now() + patience;
    const auto socket = node.unix_socket.empty() ? connect_tcp(node.endpoint, deadline)
                                                 : connect_unix(node.unix_socket, deadline);
    if (socket.has_error()) return failure(node, socket.error());
    std::string bytes;
    const auto why = exchange(*socket, request, bytes, deadline);
    if (!why.empty()) return failure(node, why);
    auto answer = parse_admin_answer(bytes);
    if (answer.has_error()) return failure(node, answer.error());
    return answer;
}

}  // namespace

lib::Parsed<AdminAnswer> ask(const NodeAddress& node, std::string_view target,
                             std::chrono::milliseconds patience) {
    return answer_of(
        node, fmt::format("GET {} HTTP/1.1\r\nHost: node\r\nConnection: close\r\n\r\n", target),
        patience);
}

lib::Parsed<AdminAnswer> tell(const NodeAddress& node, std::string_view target,
                              std::chrono::milliseconds patience) {
    return answer_of(node,
                     fmt::format("POST {} HTTP/1.1\r\nHost: node\r\nContent-Length: 0\r\n"
                                 "Connection: close\r\n\r\n",
                                 target),
                     patience);
}

NodeAddress local_node(unsigned process) {
    NodeAddress node;
    node.text = fmt::format("pid {}", process);
    node.unix_socket = std::string(1, '\0').append(local_prefix).append(std::to_string(process));
    return node;
}

}  // namespace twincached::app
