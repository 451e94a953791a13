#include "app/sessions/socket_io.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

namespace twincached::app {
namespace {

Transferred transferred(ssize_t result) noexcept {
    if (result > 0) return {Transfer::done, static_cast<std::size_t>(result)};
    if (result < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return {Transfer::would_block, 0};
    return {result == 0 ? Transfer::ended : Transfer::broken, 0};
}

}  // namespace

Transferred receive(int descriptor, char* into, std::size_t size) noexcept {
    ssize_t result;
    do {
        result = ::recv(descriptor, into, size, 0);
    } while (result < 0 && errno == EINTR);
    return transferred(result);
}

bool holds_bytes(int descriptor) noexcept {
    int bytes = 0;
    return ::ioctl(descriptor, FIONREAD, &bytes) == 0 && bytes > 0;
}

bool has_hung_up(int descriptor) noexcept {
    pollfd look{descriptor, POLLRDHUP, 0};
    return ::poll(&look, 1, 0) == 1;
}

void keep_alive(int descriptor) noexcept {
    // Longer together than a closed socket is remembered at the other end (60 s): then a probe is
    // answered with a reset.
    const std::pair<int, int> settings[] = {
        {TCP_KEEPIDLE, 30}, {TCP_KEEPINTVL, 15}, {TCP_KEEPCNT, 4}};
    for (const auto& [name, value] : settings)
        (void)::setsockopt(descriptor, IPPROTO_TCP, name, &value, sizeof value);
}

Transferred send(int descriptor, std::span<const std::string_view> segments) noexcept {
    std::array<iovec, segments_per_write> vectors;
    const auto count = std::min(segments.size(), vectors.size());
    for (std::size_t i = 0; i < count; ++i) {
        vectors[i] = {const_cast<char*>(segments[i].data()), segments[i].size()};
    }
    ssize_t result;
    do {
        if (count == 1) {
            result = ::send(descriptor, vectors[0].iov_base, vectors[0].iov_len, MSG_NOSIGNAL);
        } else {
            msghdr message{};
            message.msg_iov = vectors.data();
            message.msg_iovlen = count;
            result = ::sendmsg(descriptor, &message, MSG_NOSIGNAL);
        }
    } while (result < 0 && errno == EINTR);
    return transferred(result);
}

}  // namespace twincached::app
