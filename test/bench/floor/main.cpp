// floor: the least that a server of this protocol can do for a get, and so what no server can go
// below. One thread waits for packets and answers every line of one with the last value that was
// set, whatever it asks for; it holds no store, looks nothing up and parses no key.
//
//     floor ADDRESS PORT
//
// It is measured beside the others (beside/peers.py) and is no server for anything else: a set must
// come in one piece, and a get may be cut anywhere.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

namespace {

constexpr int events_at_once = 128;
constexpr std::size_t bytes_at_once = 16 * 1024;

int checked(int result, const char* what) {
    if (result >= 0) return result;
    std::perror(what);
    std::exit(EXIT_FAILURE);
}

int listening(const char* address, const char* port) {
    const int listener = checked(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), "socket");
    const int yes = 1;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    sockaddr_in place{};
    place.sin_family = AF_INET;
    place.sin_port = htons(static_cast<std::uint16_t>(std::atoi(port)));
    if (inet_pton(AF_INET, address, &place.sin_addr) != 1) place.sin_addr.s_addr = INADDR_NONE;
    checked(bind(listener, reinterpret_cast<const sockaddr*>(&place), sizeof place), "bind");
    checked(listen(listener, 4096), "listen");
    return listener;
}

// The answers to as many gets as one packet may hold, one behind the other.
class Answers {
  public:
    // `set` is "set <key> <flags> <exptime> <bytes>\r\n<value>\r\n", whole.
    void become(std::string_view set) {
        const auto key = set.substr(4, set.find(' ', 4) - 4);
        const auto line_end = set.find("\r\n");
        const auto size = set.substr(0, line_end).substr(set.rfind(' ', line_end) + 1);
        std::string one = "VALUE ";
        one.append(key).append(" 0 ").append(size).append(set.substr(line_end)).append("END\r\n");
        one_ = one.size();
        all_.clear();
        for (std::size_t i = 0; i < bytes_at_once / sizeof "get k"; ++i)
            all_ += one;
    }

    std::string_view to(std::size_t gets) const {
        return {all_.data(), std::min(gets * one_, all_.size())};
    }

  private:
    std::string all_;
    std::size_t one_ = 0;
};

void accept_one(int listener, int epoll) {
    const int client = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK);
    if (client < 0) return;
    const int yes = 1;
    setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    epoll_event wanted{};
    wanted.events = EPOLLIN;
    wanted.data.fd = client;
    checked(epoll_ctl(epoll, EPOLL_CTL_ADD, client, &wanted), "epoll_ctl");
}

void send_all(int client, std::string_view bytes) {
    while (!bytes.empty()) {
        const auto sent = send(client, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent < 0 && errno != EAGAIN) return;  // the next read finds it closed
        if (sent > 0) bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
}

void serve(int client, Answers& answers) {
    static std::array<char, bytes_at_once> buffer;
    const auto count = recv(client, buffer.data(), buffer.size(), 0);
    if (count < 0 && errno == EAGAIN) return;
    if (count <= 0) {
        close(client);
        return;
    }
    const std::string_view bytes(buffer.data(), static_cast<std::size_t>(count));
    if (bytes.starts_with("set ")) {
        answers.become(bytes);
        send_all(client, "STORED\r\n");
        return;
    }
    std::size_t gets = 0;
    for (const char byte : bytes)
        gets += byte == '\n' ? 1 : 0;
    send_all(client, answers.to(gets));
}

}  // namespace

int main(int count, char** words) {
    if (count != 3) {
        std::fputs("usage: floor ADDRESS PORT\n", stderr);
        return EXIT_FAILURE;
    }
    const int listener = listening(words[1], words[2]);
    const int epoll = checked(epoll_create1(0), "epoll_create1");
    epoll_event wanted{};
    wanted.events = EPOLLIN;
    wanted.data.fd = listener;
    checked(epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &wanted), "epoll_ctl");
    Answers answers;
    std::array<epoll_event, events_at_once> events;
    for (;;) {
        const int ready = epoll_wait(epoll, events.data(), events_at_once, -1);
        for (int i = 0; i < ready; ++i) {
            const int descriptor = events[static_cast<std::size_t>(i)].data.fd;
            if (descriptor == listener) {
                accept_one(listener, epoll);
            } else {
                serve(descriptor, answers);
            }
        }
    }
}
