#include "app/listeners/path_lock.hpp"

#include "app/process/file_identity.hpp"

#include <fmt/format.h>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>

namespace twincached::app {

// Whoever had the lock before may have removed the file after we opened it: then the lock is on a
// file that nobody finds any more, and is taken anew.
PathLock::PathLock(const std::string& path, std::string_view option) : file_(path + ".lock") {
    do {
        if (descriptor_ >= 0) ::close(descriptor_);
        descriptor_ = ::open(file_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (descriptor_ < 0) {
            throw std::runtime_error(fmt::format("{} {}: its lock {} cannot be made: {}", option,
                                                 path, file_, std::strerror(errno)));
        }
        // A file system that knows no locks cannot be asked for more.
        if (::flock(descriptor_, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
            ::close(descriptor_);
            throw std::runtime_error(
                fmt::format("{} {}: it is in use by another process", option, path));
        }
    } while (!is_current());
}

PathLock::~PathLock() {
    if (is_current()) ::unlink(file_.c_str());
    ::close(descriptor_);
}

bool PathLock::is_current() const noexcept {
    return FileIdentity::of(descriptor_).is_at(file_);
}

}  // namespace twincached::app
