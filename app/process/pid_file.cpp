#include "app/process/pid_file.hpp"

#include "app/process/file_identity.hpp"
#include "lib/numbers.hpp"

#include <fmt/format.h>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <utility>

namespace twincached::app {
namespace {

std::string content_of(int descriptor) {
    std::array<char, 32> content;
    const auto size = ::pread(descriptor, content.data(), content.size(), 0);
    if (size <= 0) return "?";
    const std::string text(content.data(), static_cast<std::size_t>(size));
    return text.substr(0, text.find('\n'));
}

}  // namespace

PidFile::PidFile(std::string path) : path_(std::move(path)) {
    descriptor_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY, 0644);
    if (descriptor_ < 0) {
        throw std::runtime_error(fmt::format("Could not open the pid file {} for writing: {}",
                                             path_, std::strerror(errno)));
    }
    struct stat found {};
    if (::fstat(descriptor_, &found) == 0 && !S_ISREG(found.st_mode)) {
        ::close(std::exchange(descriptor_, -1));
        throw std::runtime_error(fmt::format("the pid file {}: it is no plain file", path_));
    }
    if (::flock(descriptor_, LOCK_EX | LOCK_NB) != 0) {
        const auto owner = content_of(descriptor_);
        ::close(std::exchange(descriptor_, -1));
        throw std::runtime_error(
            fmt::format("the pid file {} belongs to process {}, which is running", path_, owner));
    }
    const auto text = std::to_string(::getpid()) + "\n";
    const bool written =
        ::ftruncate(descriptor_, 0) == 0 &&
        ::pwrite(descriptor_, text.data(), text.size(), 0) == static_cast<ssize_t>(text.size());
    if (!written) {
        const auto* reason = std::strerror(errno);
        ::close(std::exchange(descriptor_, -1));
        throw std::runtime_error(fmt::format("cannot write the pid file {}: {}", path_, reason));
    }
}

void PidFile::give_to(uid_t user, gid_t group) noexcept {
    if (::fchown(descriptor_, user, group) != 0) return;  // then the file stays root's, no harm
}

std::optional<std::string> PidFile::remove() {
    if (descriptor_ < 0) return std::nullopt;
    const bool is_gone =
        !FileIdentity::of(descriptor_).is_at(path_) || ::unlink(path_.c_str()) == 0;
    const int reason = errno;
    // Truncated where it cannot be removed: an empty file points at nobody.
    const bool is_empty = is_gone || ::ftruncate(descriptor_, 0) == 0;
    ::close(std::exchange(descriptor_, -1));
    if (is_gone) return std::nullopt;
    return fmt::format(
        "the pid file {} stays behind{}: {}; a folder that belongs to the user "
        "of -u lets it be removed",
        path_, is_empty ? ", empty" : "", std::strerror(reason));
}

}  // namespace twincached::app
