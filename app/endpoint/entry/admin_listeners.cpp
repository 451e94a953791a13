#include "app/endpoint/entry/admin_listeners.hpp"

#include "app/listeners/listener_places.hpp"

#include <fmt/format.h>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <set>
#include <string>
#include <system_error>
#include <utility>

namespace twincached::app {
namespace {

// So many may come at once, before the thread has looked.
constexpr int backlog = 1024;
// Processes of one number in one network namespace.
constexpr int names_tried = 100;

bool bind_abstract(int descriptor, const std::string& name) noexcept {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::copy(name.begin(), name.end(), address.sun_path + 1);
    const auto size = offsetof(sockaddr_un, sun_path) + 1 + name.size();
    return ::bind(descriptor, reinterpret_cast<const sockaddr*>(&address),
                  static_cast<socklen_t>(size)) == 0;
}

}  // namespace

bool is_of_this_user(int descriptor) noexcept {
    int family = AF_UNSPEC;
    socklen_t length = sizeof family;
    const int told = ::getsockopt(descriptor, SOL_SOCKET, SO_DOMAIN, &family, &length);
    if (told != 0 || family != AF_UNIX) return false;
    ucred who{};
    socklen_t size = sizeof who;
    if (::getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &who, &size) != 0) return false;
    return who.uid == 0 || who.uid == ::geteuid();
}

AdminListeners::AdminListeners(const EndpointOptions& options) {
    add(options.listen, Kind::http, "listen");
    add(options.agent_listen, Kind::agent, "agent-listen");
}

void AdminListeners::add(const std::vector<std::string>& places, Kind kind, std::string_view key) {
    bool is_tls = false;
    std::set<std::string> encrypted;  // addresses; one that is not here yet is bound after the last
    ListenerPlaces tcp(SOCK_STREAM, [&](const PlaceAddress& place) {
        std::string address(reinterpret_cast<const char*>(&place.address), place.size);
        if (is_tls) encrypted.insert(address);
        const auto tls = encrypted.contains(address) ? ListenerTls::usual : ListenerTls::none;
        listeners_.push_back({bind_tcp(place, tls), kind});
    });
    for (const auto& text : places) {
        const auto place = parse_admin_place(text);  // checked when it was read
        const auto option = fmt::format("{} of [admin] {}", key, text);
        if (place->is_local) {
            add_local();
        } else if (!place->path.empty()) {
            listeners_.push_back(
                {bind_unix({fmt::format("{} of [admin]", key), place->path, 0700}), kind});
        } else {
            is_tls = place->is_tls;
            tcp.add(option, place->endpoint.host, *place->endpoint.port);
        }
    }
    is_tls = false;
    for (auto& line : tcp.finish())
        absent_.push_back(std::move(line));
}

void AdminListeners::add_local() {
    const int descriptor = ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (descriptor < 0) throw std::system_error(errno, std::generic_category(), "socket");
    // A family that it does not unlink, for there is no path.
    ListeningSocket socket(descriptor, AF_UNSPEC, ListenerTls::none);
    for (int number = 1; number <= names_tried; ++number) {
        auto name = fmt::format("{}{}", local_socket_prefix, ::getpid());
        if (number > 1) name += fmt::format(".{}", number);
        if (!bind_abstract(descriptor, name)) continue;
        listeners_.push_back({std::move(socket), Kind::http, true});
        return;
    }
    throw std::system_error(errno, std::generic_category(), "listen of [admin] local");
}

std::vector<std::string> absent_listeners(const EndpointOptions& options,
                                          ListenerPlaces::Bind try_place) {
    ListenerPlaces tcp(SOCK_STREAM, std::move(try_place));
    const auto add = [&](const std::vector<std::string>& places, std::string_view key) {
        for (const auto& text : places) {
            const auto place = parse_admin_place(text);  // checked when it was read
            if (place->is_local || !place->path.empty()) continue;
            tcp.add(fmt::format("{} of [admin] {}", key, text), place->endpoint.host,
                    *place->endpoint.port);
        }
    };
    add(options.listen, "listen");
    add(options.agent_listen, "agent-listen");
    return tcp.finish();
}

void AdminListeners::open() {
    for (auto& listener : listeners_)
        listener.socket.open(backlog);
}

}  // namespace twincached::app
