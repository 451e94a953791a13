#include "app/listeners/listening_socket.hpp"

#include <fmt/format.h>

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace twincached::app {
namespace {

constexpr int stream_flags = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;

[[noreturn]] void fail(const std::string& what) {
    throw std::system_error(errno, std::generic_category(), what);
}

void turn_on(int descriptor, int level, int name) {
    const int on = 1;
    if (::setsockopt(descriptor, level, name, &on, sizeof on) != 0) fail("setsockopt");
}

struct FreeAddresses {
    void operator()(addrinfo* list) const noexcept { ::freeaddrinfo(list); }
};
using Addresses = std::unique_ptr<addrinfo, FreeAddresses>;

Addresses resolve(const std::string& host, std::uint16_t port) {
    addrinfo hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
    addrinfo* found = nullptr;
    const int error = ::getaddrinfo(host.empty() ? nullptr : host.c_str(),
                                    std::to_string(port).c_str(), &hints, &found);
    if (error != 0) {
        throw std::runtime_error(fmt::format("failed to listen on '{}': getaddrinfo(): {}", host,
                                             ::gai_strerror(error)));
    }
    return Addresses(found);
}

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

std::string address_text(const addrinfo& address) {
    sockaddr_storage storage{};
    std::memcpy(&storage, address.ai_addr, address.ai_addrlen);
    return end_text(storage, address.ai_addrlen);
}

// Until it listens, a socket with SO_REUSEADDR shares its port with any other such socket, and two
// servers would both believe that they have it. So the port is first asked for exclusively; only
// where that fails, because connections of an earlier server linger, it is shared with those.
bool bind_shared_if_needed(int descriptor, const addrinfo& address) {
    if (::bind(descriptor, address.ai_addr, address.ai_addrlen) == 0) return true;
    if (errno != EADDRINUSE) return false;
    turn_on(descriptor, SOL_SOCKET, SO_REUSEADDR);
    return ::bind(descriptor, address.ai_addr, address.ai_addrlen) == 0;
}

// Options that accepted connections inherit are set here, once.
ListeningSocket bind_tcp(const addrinfo& address, ListenerTls tls) {
    const int descriptor = ::socket(address.ai_family, stream_flags, 0);
    if (descriptor < 0) fail("socket");
    ListeningSocket socket(descriptor, address.ai_family, tls);
    turn_on(descriptor, SOL_SOCKET, SO_KEEPALIVE);
    turn_on(descriptor, IPPROTO_TCP, TCP_NODELAY);
    if (address.ai_family == AF_INET6) turn_on(descriptor, IPPROTO_IPV6, IPV6_V6ONLY);
    if (!bind_shared_if_needed(descriptor, address)) {
        const std::error_code error(errno, std::generic_category());
        throw std::system_error(error, "failed to listen on " + address_text(address));
    }
    return socket;
}

bool is_absent_family(const std::system_error& error) noexcept {
    return error.code() == std::errc::address_family_not_supported ||
           error.code() == std::errc::address_not_available;
}

// Every address of the host; those of a family that this machine lacks are passed over as long as
// one is left.
void bind_host(const Endpoint& place, ListenerTls tls, std::vector<ListeningSocket>& into) {
    const auto addresses = resolve(place.host, *place.port);
    const auto before = into.size();
    for (const auto* address = addresses.get(); address != nullptr; address = address->ai_next) {
        try {
            into.push_back(bind_tcp(*address, tls));
        } catch (const std::system_error& error) {
            const bool is_last = address->ai_next == nullptr && into.size() == before;
            if (is_last || !is_absent_family(error)) throw;
        }
    }
}

// A socket file that nobody answers on is left over from a process that died.
void remove_stale(const sockaddr_un& address) {
    struct stat status {};
    if (::lstat(address.sun_path, &status) != 0) return;
    if (!S_ISSOCK(status.st_mode)) {
        throw std::runtime_error(fmt::format("{} exists and is no socket", address.sun_path));
    }
    const int probe = ::socket(AF_UNIX, stream_flags, 0);
    const bool is_served =
        ::connect(probe, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 ||
        errno == EAGAIN;
    ::close(probe);
    if (is_served) {
        throw std::runtime_error(fmt::format("{} is in use", address.sun_path));
    }
    ::unlink(address.sun_path);
}

sockaddr_un unix_address(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) {
        throw std::runtime_error(fmt::format("the path {} is too long for a unix socket", path));
    }
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    return address;
}

ListeningSocket prepare_unix(const std::string& path, const std::string& mode) {
    remove_stale(unix_address(path));
    const int descriptor = ::socket(AF_UNIX, stream_flags, 0);
    if (descriptor < 0) fail("socket");
    return ListeningSocket(descriptor, path,
                           static_cast<unsigned>(std::stoul(mode, nullptr, 8)) & 0777U);
}

// Under this name a unix socket is bound; it moves to its own when it can be connected to. A path
// that is as long as an address can be gives up its last letters for it.
std::string unopened(const std::string& path) {
    constexpr std::string_view ending = ".new";
    constexpr std::size_t longest = sizeof(sockaddr_un::sun_path) - 1 - ending.size();
    return path.substr(0, longest).append(ending);
}

}  // namespace

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

ListeningSocket::ListeningSocket(int descriptor, std::string path, unsigned mode) noexcept
    : descriptor_(descriptor), family_(AF_UNIX), path_(std::move(path)), mode_(mode) {}

ListeningSocket::ListeningSocket(ListeningSocket&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)),
      family_(other.family_),
      tls_(other.tls_),
      path_(std::move(other.path_)),
      mode_(other.mode_),
      is_open_(std::exchange(other.is_open_, false)),
      is_bound_(std::exchange(other.is_bound_, false)) {}

ListeningSocket::~ListeningSocket() {
    if (descriptor_ >= 0) ::close(descriptor_);
    if (is_bound_) ::unlink(is_open_ ? path_.c_str() : unopened(path_).c_str());
}

void ListeningSocket::bind_path() const {
    const auto name = unopened(path_);
    const auto address = unix_address(name);
    ::unlink(name.c_str());
    const auto old_mask = ::umask(static_cast<mode_t>(~mode_ & 0777U));
    const int bound =
        ::bind(descriptor_, reinterpret_cast<const sockaddr*>(&address), sizeof address);
    const int error = errno;
    ::umask(old_mask);
    errno = error;
    if (bound != 0) fail(fmt::format("failed to listen on {}", text()));
}

void ListeningSocket::open(int backlog) {
    if (family_ == AF_UNIX) {
        if (!std::exchange(is_bound_, true)) bind_path();
    } else {
        // For the server after us: what lingers of our connections must not keep it out.
        turn_on(descriptor_, SOL_SOCKET, SO_REUSEADDR);
    }
    const bool opened =
        ::listen(descriptor_, backlog) == 0 &&
        (family_ != AF_UNIX || ::rename(unopened(path_).c_str(), path_.c_str()) == 0);
    if (!opened) fail(fmt::format("failed to listen on {}", text()));
    is_open_ = true;
}

// A TCP socket keeps its port and can be told to listen again; a unix socket could not.
void ListeningSocket::shut() noexcept {
    if (!std::exchange(is_open_, false)) return;
    if (family_ == AF_UNIX) {
        (void)::rename(path_.c_str(), unopened(path_).c_str());
    } else {
        (void)::shutdown(descriptor_, SHUT_RDWR);
    }
}

std::uint16_t ListeningSocket::port() const noexcept {
    return family_ == AF_UNIX ? std::uint16_t{0} : local_port(descriptor_);
}

std::string ListeningSocket::text() const {
    return family_ == AF_UNIX ? "unix:" + path_ : local_end(descriptor_);
}

std::vector<ListeningSocket> bind_listeners(const ListenerOptions& options, bool tls) {
    std::vector<ListeningSocket> sockets;
    if (!options.unix_socket.empty()) {
        sockets.push_back(prepare_unix(options.unix_socket, options.unix_mask));
        return sockets;
    }
    const auto port = static_cast<std::uint16_t>(options.port < 0 ? 0 : options.port);
    const auto usual = tls ? ListenerTls::usual : ListenerTls::none;
    if (options.listen.empty()) {
        bind_host({"", port}, usual, sockets);
        return sockets;
    }
    for (const auto& text : options.listen) {
        const auto listener = parse_listener(text);  // checked when it was read
        auto place = listener->endpoint;
        if (!place.port && options.port == 0) continue;
        if (!place.port) place.port = port;
        const auto kind = listener->tls == ListenerTls::usual ? usual : listener->tls;
        bind_host(place, kind, sockets);
    }
    return sockets;
}

}  // namespace twincached::app
