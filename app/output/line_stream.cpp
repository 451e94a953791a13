#include "app/output/line_stream.hpp"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>

namespace twincached::app {
namespace {

bool is(int descriptor, mode_t kind) noexcept {
    struct stat found {};
    return ::fstat(descriptor, &found) == 0 && (found.st_mode & S_IFMT) == kind;
}

bool never_waits(int descriptor) noexcept {
    // A plain file takes what it is given, or says why not.
    const bool is_plain = is(descriptor, S_IFREG);
    return is_plain || (::fcntl(descriptor, F_GETFL) & O_NONBLOCK) != 0;
}

bool lead_to_one(int first, int second) noexcept {
    struct stat one {};
    struct stat other {};
    return ::fstat(first, &one) == 0 && ::fstat(second, &other) == 0 &&
           one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

// The same pipe or terminal, opened anew; below zero where that is not allowed, as to a user that
// the process has become since.
int opened_anew(int descriptor) noexcept {
    std::array<char, 32> path{};
    (void)std::snprintf(path.data(), path.size(), "/proc/self/fd/%d", descriptor);
    return ::open(path.data(), O_WRONLY | O_APPEND | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

}  // namespace

LineStream::LineStream(int descriptor) noexcept
    : descriptor_(descriptor), way_(way_to(descriptor)) {}

LineStream::Way LineStream::way_to(int descriptor) noexcept {
    if (is(descriptor, S_IFSOCK)) return Way::socket;
    return never_waits(descriptor) ? Way::waits_for_nobody : Way::asks_first;
}

void LineStream::go_on_in(int descriptor) noexcept {
    is_cut_ = is_cut_ && lead_to_one(descriptor, descriptor_);
    if (descriptor_ >= 0) ::close(descriptor_);
    descriptor_ = descriptor;
    way_ = way_to(descriptor);
}

LineStream::~LineStream() {
    if (descriptor_ >= 0) ::close(descriptor_);
}

bool LineStream::write(std::string_view line) noexcept {
    if (is_cut_ && put("\n") == 0) return false;
    const auto taken = put(line);
    is_cut_ = taken > 0 && taken < line.size();
    return taken == line.size();
}

std::size_t LineStream::put(std::string_view bytes) noexcept {
    std::size_t taken = 0;
    while (taken < bytes.size()) {
        const auto count = put_some(bytes.substr(taken));
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) break;
        taken += static_cast<std::size_t>(count);
    }
    return taken;
}

// A pipe that has room takes that much at once (pipe(7)).
std::ptrdiff_t LineStream::put_some(std::string_view bytes) const noexcept {
    if (way_ == Way::socket)
        return ::send(descriptor_, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (way_ == Way::waits_for_nobody) return ::write(descriptor_, bytes.data(), bytes.size());
    pollfd entry{descriptor_, POLLOUT, 0};
    const int ready = ::poll(&entry, 1, 0);
    if (ready == 0) errno = EAGAIN;
    if (ready <= 0) return -1;
    return ::write(descriptor_, bytes.data(), std::min<std::size_t>(bytes.size(), PIPE_BUF));
}

int descriptor_beside(int descriptor) noexcept {
    if (is(descriptor, S_IFIFO) || is(descriptor, S_IFCHR)) {
        const int anew = opened_anew(descriptor);
        if (anew >= 0) return anew;
    }
    return ::fcntl(descriptor, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
}

}  // namespace twincached::app
