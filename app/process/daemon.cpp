#include "app/process/daemon.hpp"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <system_error>
#include <utility>

namespace twincached::app {
namespace {

[[noreturn]] void fail(const char* what) {
    throw std::system_error(errno, std::generic_category(), what);
}

// In the parent: as the child fares, so does it.
[[noreturn]] void follow(pid_t child, int from_child) {
    char word = 0;
    ssize_t got;
    do {
        got = ::read(from_child, &word, 1);
    } while (got < 0 && errno == EINTR);
    if (got == 1) ::_exit(0);
    int status = 0;
    ::waitpid(child, &status, 0);
    ::_exit(WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_FAILURE);
}

void detach_standard_streams() noexcept {
    const int nothing = ::open("/dev/null", O_RDWR | O_CLOEXEC);
    if (nothing < 0) return;
    for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
        ::dup2(nothing, stream);
    if (nothing > STDERR_FILENO) ::close(nothing);
}

}  // namespace

Daemon::Daemon(bool into_background) {
    if (!into_background) return;
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) fail("pipe");
    const pid_t child = ::fork();
    if (child < 0) fail("fork");
    if (child > 0) {
        ::close(ends[1]);
        follow(child, ends[0]);
    }
    ::close(ends[0]);
    to_parent_ = ends[1];
    if (::setsid() < 0) fail("setsid");
    if (::chdir("/") != 0) fail("chdir");
}

Daemon::~Daemon() {
    if (to_parent_ >= 0) ::close(to_parent_);
}

void Daemon::report_started(bool quiet) noexcept {
    if (to_parent_ < 0) return;
    if (quiet) detach_standard_streams();
    const char word = '!';
    [[maybe_unused]] const auto written = ::write(to_parent_, &word, 1);
    ::close(std::exchange(to_parent_, -1));
}

}  // namespace twincached::app
