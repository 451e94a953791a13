#include "test/drivers/tcp_network.hpp"

#include <catch2/catch.hpp>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace twincached::test {
namespace {

constexpr std::size_t held_limit = 64U << 10;
// How long the thread sleeps at most before it looks at cuts and at its end.
constexpr int look_ms = 2;

sockaddr_in address_of(const std::string& host, std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    inet_pton(AF_INET, host.c_str(), &address.sin_addr);
    return address;
}

sockaddr_in address_of(const std::string& place) {
    const auto colon = place.find(':');
    return address_of(place.substr(0, colon),
                      static_cast<std::uint16_t>(std::stoi(place.substr(colon + 1))));
}

int bound_socket(const std::string& host) {
    const int bound = ::socket(AF_INET, SOCK_STREAM, 0);
    REQUIRE(bound >= 0);
    const auto address = address_of(host, 0);
    REQUIRE(::bind(bound, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    return bound;
}

std::uint16_t port_of(int bound) {
    sockaddr_in address{};
    socklen_t size = sizeof address;
    REQUIRE(::getsockname(bound, reinterpret_cast<sockaddr*>(&address), &size) == 0);
    return ntohs(address.sin_port);
}

void do_not_block(int descriptor) {
    ::fcntl(descriptor, F_SETFL, ::fcntl(descriptor, F_GETFL) | O_NONBLOCK);
}

}  // namespace

std::uint16_t free_port(const std::string& host) {
    const int probe = bound_socket(host);
    const auto port = port_of(probe);
    ::close(probe);
    return port;
}

TcpNetwork::TcpNetwork() : thread_([this] { run(); }) {}

TcpNetwork::~TcpNetwork() {
    is_over_ = true;
    thread_.join();
    close_all();
    for (const auto& relay : relays_)
        ::close(relay.listener);
}

std::string TcpNetwork::relay_to(const std::string& place) {
    const std::string host = "127.0.0.3";
    const int listener = bound_socket(host);
    REQUIRE(::listen(listener, 16) == 0);
    do_not_block(listener);
    const std::lock_guard lock(mutex_);
    relays_.push_back({listener, place});
    return host + ":" + std::to_string(port_of(listener));
}

void TcpNetwork::tear() {
    const std::lock_guard lock(mutex_);
    close_all();
}

// Unread bytes make it a reset.
void TcpNetwork::close_all() {
    for (std::size_t i = 0; i < pipes_.size(); i += 2) {
        ::close(pipes_[i].from);
        ::close(pipes_[i].to);
    }
    pipes_.clear();
}

void TcpNetwork::run() {
    while (!is_over_) {
        std::vector<pollfd> watched;
        bool has_more = false;
        {
            const std::lock_guard lock(mutex_);
            for (const auto& relay : relays_)
                watched.push_back({relay.listener, POLLIN, 0});
            for (const auto& pipe : pipes_) {
                has_more = has_more || !pipe.held.empty();
                if (pipe.held.empty() && !pipe.has_ended) watched.push_back({pipe.from, POLLIN, 0});
            }
        }
        if (is_cut_) watched.clear();
        (void)::poll(watched.data(), watched.size(), has_more && !is_cut_ ? 0 : look_ms);
        if (is_cut_) continue;
        const std::lock_guard lock(mutex_);
        for (const auto& relay : relays_)
            accept(relay);
        for (std::size_t i = 0; i < pipes_.size();) {
            const bool there = pass(pipes_[i]);
            const bool back = pass(pipes_[i + 1]);
            if (there && back) {
                i += 2;
                continue;
            }
            ::close(pipes_[i].from);
            ::close(pipes_[i].to);
            const auto place = pipes_.begin() + static_cast<std::ptrdiff_t>(i);
            pipes_.erase(place, place + 2);
        }
    }
}

// Whom nobody answers at the other end, is not answered here.
void TcpNetwork::accept(const Relay& relay) {
    const int from = ::accept(relay.listener, nullptr, nullptr);
    if (from < 0) return;
    const int to = ::socket(AF_INET, SOCK_STREAM, 0);
    const auto address = address_of(relay.place);
    if (::connect(to, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        ::close(from);
        ::close(to);
        return;
    }
    do_not_block(from);
    do_not_block(to);
    pipes_.push_back({from, to});
    pipes_.push_back({to, from});
}

// False: it is over, and all that was said before has been passed on.
bool TcpNetwork::pass(Pipe& pipe) {
    if (pipe.held.empty() && !pipe.has_ended) {
        pipe.held.resize(held_limit);
        const auto count = ::recv(pipe.from, pipe.held.data(), pipe.held.size(), 0);
        pipe.has_ended = count == 0 || (count < 0 && errno != EAGAIN);
        pipe.held.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
    }
    if (pipe.held.empty()) return !pipe.has_ended;
    // Pieces of 1 byte to all of it, so that frames come apart anywhere.
    const auto piece = std::min<std::size_t>(pipe.held.size(), std::size_t{1} << (++pieces_ % 17));
    const auto count = ::send(pipe.to, pipe.held.data(), piece, MSG_NOSIGNAL);
    if (count < 0) return errno == EAGAIN;
    pipe.held.erase(0, static_cast<std::size_t>(count));
    return true;
}

}  // namespace twincached::test
