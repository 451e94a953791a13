#include "app/twinctl/node_connection.hpp"

#include <fmt/format.h>

#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <memory>
#include <utility>

namespace twincached::app {
namespace {

using Clock = NodeConnection::Clock;

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
    int left = 0;
    for (const auto* at = found; at != nullptr; at = at->ai_next)
        ++left;
    // One that does not answer leaves their share of the time to those behind it.
    for (const auto* at = found; at != nullptr; at = at->ai_next, --left) {
        auto socket = make_socket(at->ai_family);
        const auto until = deadline - (deadline - Clock::now()) * (left - 1) / left;
        if (connect_within(socket, at->ai_addr, at->ai_addrlen, until)) return socket;
    }
    return trouble();
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

lib::Parsed<NodeConnection> NodeConnection::to(const NodeAddress& node,
                                               Clock::time_point deadline) {
    auto socket = node.unix_socket.empty() ? connect_tcp(node.endpoint, deadline)
                                           : connect_unix(node.unix_socket, deadline);
    if (socket.has_error()) return socket.error();
    NodeConnection connection(std::move(*socket));
    if (node.ca_file.empty()) return connection;
    auto why = connection.encrypt(node, deadline);
    if (!why.empty()) return why;
    return connection;
}

pid_t NodeConnection::process() const noexcept {
    ucred who{};
    socklen_t size = sizeof who;
    return ::getsockopt(socket_.get(), SOL_SOCKET, SO_PEERCRED, &who, &size) == 0 ? who.pid : 0;
}

// Who it is stands in its certificate: by the name or address that it was asked for by.
std::string NodeConnection::encrypt(const NodeAddress& node, Clock::time_point deadline) {
    lib::TlsSettings settings;
    settings.ca_file = node.ca_file;
    settings.peer = lib::PeerCertificate::required;
    settings.peer_name = node.endpoint.host;
    auto context = lib::TlsContext::load(settings);
    if (context.has_error()) return context.error();
    using lib::TlsStream;
    tls_ = std::make_unique<TlsStream>(std::move(*context), TlsStream::Side::client);
    while (tls_->shake_hands() == TlsStream::State::handshake) {
        auto why = send_outgoing(deadline);
        if (!why.empty()) return why;
        std::array<char, 4096> piece;
        const auto count = receive_raw(piece, deadline);
        if (count.has_error()) return count.error();
        if (*count == 0) {
            tls_->end_incoming();
        } else {
            tls_->incoming().append({piece.data(), *count});
        }
    }
    (void)send_outgoing(deadline);  // an alert says to the other end what is wrong
    return tls_->state() == TlsStream::State::open ? std::string() : trouble_of_tls();
}

std::string NodeConnection::trouble_of_tls() const {
    return "TLS: " + (tls_->why().empty() ? "the other end has ended it" : tls_->why());
}

std::string NodeConnection::send(std::string_view bytes, Clock::time_point deadline) {
    if (!tls_) return send_raw(bytes, deadline);
    if (!tls_->write(bytes)) return trouble_of_tls();
    return send_outgoing(deadline);
}

lib::Parsed<std::size_t> NodeConnection::receive(std::span<char> room, Clock::time_point deadline) {
    return tls_ ? receive_plaintext(room, deadline) : receive_raw(room, deadline);
}

std::string NodeConnection::send_outgoing(Clock::time_point deadline) {
    auto& outgoing = tls_->outgoing();
    auto why = send_raw(outgoing.readable(), deadline);
    outgoing.clear();
    return why;
}

// An end without a farewell could be somebody's who cuts an answer off.
lib::Parsed<std::size_t> NodeConnection::receive_plaintext(std::span<char> room,
                                                           Clock::time_point deadline) {
    std::array<char, 4096> piece;
    for (;;) {
        const auto count = tls_->read(room);
        if (count > 0) return count;
        if (tls_->state() == lib::TlsStream::State::ended) return std::size_t{0};
        if (tls_->state() == lib::TlsStream::State::failed) return trouble_of_tls();
        const auto came = receive_raw(piece, deadline);
        if (came.has_error()) return came.error();
        if (*came == 0) {
            tls_->end_incoming();
        } else {
            tls_->incoming().append({piece.data(), *came});
        }
    }
}

std::string NodeConnection::send_raw(std::string_view bytes, Clock::time_point deadline) {
    while (!bytes.empty()) {
        if (!await(socket_, POLLOUT, deadline)) return trouble();
        const auto count = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (count < 0) return trouble();
        bytes.remove_prefix(static_cast<std::size_t>(count));
    }
    return {};
}

lib::Parsed<std::size_t> NodeConnection::receive_raw(std::span<char> room,
                                                     Clock::time_point deadline) {
    if (!await(socket_, POLLIN, deadline)) return trouble();
    const auto count = ::recv(socket_.get(), room.data(), room.size(), 0);
    if (count < 0) return trouble();
    return static_cast<std::size_t>(count);
}

}  // namespace twincached::app
