#include "app/listeners/listening_socket.hpp"

#include <fmt/format.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace twincached::app {
namespace {

constexpr int stream_flags = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;

[[noreturn]] void fail(const std::string& what) {
    throw std::system_error(errno, std::generic_category(), what);
}

// A switch of the socket that every Linux has: that it fails is a fault of ours, and ends the
// start.
void turn_on(int descriptor, int level, int name) {
    const int on = 1;
    if (::setsockopt(descriptor, level, name, &on, sizeof on) != 0) fail("setsockopt");
}

// Until it listens, a socket with SO_REUSEADDR shares its port with any other such socket, and two
// servers would both believe that they have it. So the port is first asked for exclusively; only
// where that fails, because connections of an earlier server linger, it is shared with those.
bool bind_shared_if_needed(int descriptor, const PlaceAddress& place) {
    const auto* address = reinterpret_cast<const sockaddr*>(&place.address);
    if (::bind(descriptor, address, place.size) == 0) return true;
    if (errno != EADDRINUSE) return false;
    turn_on(descriptor, SOL_SOCKET, SO_REUSEADDR);
    return ::bind(descriptor, address, place.size) == 0;
}

// A socket file that nobody answers on is left over from a process that died: the connection is
// refused then, and for no other reason is it taken away.
void remove_stale(const std::string& option, const sockaddr_un& address) {
    struct stat status {};
    if (::lstat(address.sun_path, &status) != 0) return;
    if (!S_ISSOCK(status.st_mode)) {
        throw std::runtime_error(
            fmt::format("{} {}: it exists and is no socket", option, address.sun_path));
    }
    const int probe = ::socket(AF_UNIX, stream_flags, 0);
    const bool is_served =
        ::connect(probe, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 ||
        (errno != ECONNREFUSED && errno != ENOENT);
    ::close(probe);
    if (is_served) {
        throw std::runtime_error(
            fmt::format("{} {}: it is in use by another process", option, address.sun_path));
    }
    ::unlink(address.sun_path);
}

}  // namespace

std::string end_text(const sockaddr_storage& address, socklen_t length) {
    char host[INET6_ADDRSTRLEN] = "";
    if (address.ss_family == AF_INET) {
        const auto& in = reinterpret_cast<const sockaddr_in&>(address);
        ::inet_ntop(AF_INET, &in.sin_addr, host, sizeof host);
        return fmt::format("tcp:{}:{}", host, ntohs(in.sin_port));
    }
    if (address.ss_family == AF_INET6) {
        const auto& in = reinterpret_cast<const sockaddr_in6&>(address);
        ::inet_ntop(AF_INET6, &in.sin6_addr, host, sizeof host);
        return fmt::format("tcp6:[{}]:{}", host, ntohs(in.sin6_port));
    }
    if (address.ss_family == AF_UNIX) {
        const auto& un = reinterpret_cast<const sockaddr_un&>(address);
        const auto size = length > offsetof(sockaddr_un, sun_path)
                              ? ::strnlen(un.sun_path, length - offsetof(sockaddr_un, sun_path))
                              : 0;
        return fmt::format("unix:{}", std::string_view(un.sun_path, size));
    }
    return "unknown";
}

sockaddr_un unix_address(const std::string& option, const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) {
        throw std::runtime_error(
            fmt::format("{} {}: the path of a unix socket has at most {} bytes", option, path,
                        sizeof address.sun_path - 1));
    }
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    return address;
}

std::string unopened_path(const std::string& path) {
    constexpr std::string_view ending = ".new";
    constexpr std::size_t longest = sizeof(sockaddr_un::sun_path) - 1 - ending.size();
    return path.substr(0, longest).append(ending);
}

// Options that accepted connections inherit are set here, once.
ListeningSocket bind_tcp(const PlaceAddress& place, ListenerTls tls) {
    const int family = place.address.ss_family;
    const int descriptor = ::socket(family, stream_flags, 0);
    if (descriptor < 0) fail("socket");
    ListeningSocket socket(descriptor, family, tls);
    turn_on(descriptor, SOL_SOCKET, SO_KEEPALIVE);
    turn_on(descriptor, IPPROTO_TCP, TCP_NODELAY);
    if (family == AF_INET6) turn_on(descriptor, IPPROTO_IPV6, IPV6_V6ONLY);
    if (place.is_early) (void)allow_early_bind(descriptor, family);  // else bind says why not
    if (!bind_shared_if_needed(descriptor, place)) {
        const std::error_code error(errno, std::generic_category());
        throw std::system_error(error,
                                "failed to listen on " + end_text(place.address, place.size));
    }
    return socket;
}

// The lock on the path comes first: two servers that start at once must not both find its socket
// left over.
ListeningSocket bind_unix(UnixPlace place) {
    const auto address = unix_address(place.option, place.path);
    auto lock = std::make_unique<PathLock>(place.path, place.option);
    remove_stale(place.option, address);
    const int descriptor = ::socket(AF_UNIX, stream_flags, 0);
    if (descriptor < 0) fail("socket");
    return ListeningSocket(descriptor, std::move(place), std::move(lock));
}

// Of an address without a name, such as a client's on a unix socket, the kind alone.
std::string local_end(int descriptor) {
    sockaddr_storage address{};
    socklen_t length = sizeof address;
    ::getsockname(descriptor, reinterpret_cast<sockaddr*>(&address), &length);
    return end_text(address, length);
}

std::string remote_end(int descriptor) {
    sockaddr_storage address{};
    socklen_t length = sizeof address;
    ::getpeername(descriptor, reinterpret_cast<sockaddr*>(&address), &length);
    return end_text(address, length);
}

std::uint16_t local_port(int descriptor) {
    sockaddr_storage address{};
    socklen_t length = sizeof address;
    ::getsockname(descriptor, reinterpret_cast<sockaddr*>(&address), &length);
    // sin_port and sin6_port lie at the same place.
    if (address.ss_family == AF_UNIX) return 0;
    return ntohs(reinterpret_cast<const sockaddr_in&>(address).sin_port);
}

ListeningSocket::ListeningSocket(int descriptor, UnixPlace place,
                                 std::unique_ptr<PathLock> lock) noexcept
    : descriptor_(descriptor), family_(AF_UNIX), place_(std::move(place)), lock_(std::move(lock)) {}

ListeningSocket::ListeningSocket(ListeningSocket&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)),
      family_(other.family_),
      tls_(other.tls_),
      place_(std::move(other.place_)),
      lock_(std::move(other.lock_)),
      file_(std::exchange(other.file_, {})),
      is_open_(std::exchange(other.is_open_, false)),
      is_bound_(std::exchange(other.is_bound_, false)) {}

ListeningSocket::~ListeningSocket() {
    if (descriptor_ < 0) return;
    const auto name = is_open_ ? place_.path : unopened_path(place_.path);
    if (file_.is_at(name)) ::unlink(name.c_str());
    ::close(descriptor_);
}

// The mode counts from the moment that the file is there: the mask is the process's, and so this is
// done before other threads make files, or where they make none.
void ListeningSocket::bind_path() {
    const auto name = unopened_path(place_.path);
    const auto address = unix_address(place_.option, name);
    ::unlink(name.c_str());
    const auto old_mask = ::umask(static_cast<mode_t>(~place_.mode & 0777U));
    const int bound =
        ::bind(descriptor_, reinterpret_cast<const sockaddr*>(&address), sizeof address);
    const int error = errno;
    ::umask(old_mask);
    errno = error;
    if (bound != 0) fail(place_.option + ": failed to listen on " + text());
    file_ = FileIdentity::at(name);
}

// Another process's socket stays where it is.
bool ListeningSocket::move_path(const std::string& from, const std::string& to) const noexcept {
    if (file_.is_at(from)) return ::rename(from.c_str(), to.c_str()) == 0;
    errno = ENOENT;
    return false;
}

// The name under which clients connect appears when the socket listens already: nobody is refused
// in between.
void ListeningSocket::open(int backlog) {
    if (family_ == AF_UNIX) {
        if (!std::exchange(is_bound_, true)) bind_path();
    } else {
        // For the server after us: what lingers of our connections must not keep it out.
        turn_on(descriptor_, SOL_SOCKET, SO_REUSEADDR);
    }
    const bool opened = ::listen(descriptor_, backlog) == 0 &&
                        (family_ != AF_UNIX || move_path(unopened_path(place_.path), place_.path));
    if (!opened) fail(fmt::format("failed to listen on {}", text()));
    is_open_ = true;
}

// A TCP socket keeps its port and can be told to listen again; a unix socket could not.
void ListeningSocket::shut() noexcept {
    if (!std::exchange(is_open_, false)) return;
    if (family_ == AF_UNIX) {
        (void)move_path(place_.path, unopened_path(place_.path));
    } else {
        (void)::shutdown(descriptor_, SHUT_RDWR);
    }
}

std::uint16_t ListeningSocket::port() const noexcept {
    return family_ == AF_UNIX ? std::uint16_t{0} : local_port(descriptor_);
}

std::string ListeningSocket::text() const {
    return family_ == AF_UNIX ? "unix:" + place_.path : local_end(descriptor_);
}

namespace {

// Every TCP address that the options ask for; `kind` is that of the one which is bound. Returns a
// line for each that cannot be had now.
std::vector<std::string> bind_places(const ListenerOptions& options, ListenerTls usual,
                                     ListenerTls& kind, ListenerPlaces::Bind bind) {
    const auto port = static_cast<std::uint16_t>(options.port < 0 ? 0 : options.port);
    kind = usual;
    ListenerPlaces places(SOCK_STREAM, std::move(bind));
    if (options.listen.empty()) places.add(fmt::format("port (-p) {}", port), "", port);
    for (const auto& text : options.listen) {
        const auto listener = parse_listener(text);  // checked when it was read
        const auto& place = listener->endpoint;
        if (!place.port && options.port == 0) continue;
        kind = listener->tls == ListenerTls::usual ? usual : listener->tls;
        places.add("listen (-l) " + text, place.host, place.port.value_or(port));
    }
    return places.finish();
}

}  // namespace

// A unix socket is instead of TCP, as with memcached.
BoundListeners bind_listeners(const ListenerOptions& options, bool tls) {
    BoundListeners bound;
    if (!options.unix_socket.empty()) {
        const auto mode = static_cast<unsigned>(std::stoul(options.unix_mask, nullptr, 8)) & 0777U;
        bound.sockets.push_back(bind_unix({"unix-socket (-s)", options.unix_socket, mode}));
        return bound;
    }
    ListenerTls kind{};
    const auto usual = tls ? ListenerTls::usual : ListenerTls::none;
    bound.absent = bind_places(options, usual, kind, [&](const PlaceAddress& place) {
        bound.sockets.push_back(bind_tcp(place, kind));
    });
    return bound;
}

std::vector<std::string> absent_listeners(const ListenerOptions& options,
                                          ListenerPlaces::Bind try_place) {
    if (!options.unix_socket.empty()) return {};
    ListenerTls kind{};
    return bind_places(options, ListenerTls::none, kind, std::move(try_place));
}

}  // namespace twincached::app
