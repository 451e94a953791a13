#include "app/output/syslog_socket.hpp"

#include <fmt/format.h>

#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <ctime>
#include <utility>

namespace twincached::app {
namespace {

// RFC 3164, section 4.1: the local time, to the second.
std::string header(int level) {
    const auto now = std::time(nullptr);
    std::tm local{};
    ::localtime_r(&now, &local);
    std::array<char, 32> time{};
    const auto size = std::strftime(time.data(), time.size(), "%b %e %H:%M:%S", &local);
    return fmt::format("<{}>{} twincached[{}]: ", LOG_DAEMON | level,
                       std::string_view(time.data(), size), ::getpid());
}

}  // namespace

SyslogSocket::~SyslogSocket() {
    close();
}

// A syslogd that was started anew is found by the next line.
bool SyslogSocket::write(int level, std::string_view text) {
    auto message = header(level);
    message.append(text);
    const bool was_connected = descriptor_ >= 0;
    if (!was_connected && !connect()) return false;
    if (send(message)) return true;
    if (errno == EAGAIN) return false;
    close();
    return was_connected && connect() && send(message);
}

bool SyslogSocket::connect() noexcept {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path_.size() >= sizeof address.sun_path) return false;
    std::copy(path_.begin(), path_.end(), address.sun_path);
    for (const int kind : {SOCK_DGRAM, SOCK_STREAM}) {
        descriptor_ = ::socket(AF_UNIX, kind | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (descriptor_ < 0) return false;
        is_stream_ = kind == SOCK_STREAM;
        const auto* const to = reinterpret_cast<const sockaddr*>(&address);
        if (::connect(descriptor_, to, sizeof address) == 0) return true;
        const int reason = errno;
        close();
        errno = reason;
        if (reason != EPROTOTYPE) break;
    }
    return false;
}

// What a stream takes in part would run into the next message: it is begun anew.
bool SyslogSocket::send(const std::string& message) noexcept {
    const auto size = message.size() + (is_stream_ ? 1 : 0);
    const auto sent = ::send(descriptor_, message.data(), size, MSG_NOSIGNAL);
    if (sent >= 0 && static_cast<std::size_t>(sent) < size) errno = EPIPE;
    return sent >= 0 && static_cast<std::size_t>(sent) == size;
}

void SyslogSocket::close() noexcept {
    if (descriptor_ >= 0) ::close(std::exchange(descriptor_, -1));
}

}  // namespace twincached::app
