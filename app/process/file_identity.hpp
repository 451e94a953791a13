// Which file is meant, whatever stands at its path by now: so whoever made one removes that one,
// and none that another process has put in its place. Holds for as long as the file is open, or a
// socket is bound to it. A value.
#pragma once

#include <sys/stat.h>

#include <string>

namespace twincached::app {

class FileIdentity {
  public:
    FileIdentity() noexcept = default;  // of none
    static FileIdentity of(int descriptor) noexcept {
        struct stat status {};
        return ::fstat(descriptor, &status) == 0 ? FileIdentity(status) : FileIdentity();
    }
    static FileIdentity at(const std::string& path) noexcept {
        struct stat status {};
        return ::stat(path.c_str(), &status) == 0 ? FileIdentity(status) : FileIdentity();
    }

    bool is_at(const std::string& path) const noexcept {
        const auto there = at(path);
        return is_any_ && there.is_any_ && device_ == there.device_ && inode_ == there.inode_;
    }

  private:
    explicit FileIdentity(const struct stat& status) noexcept
        : device_(status.st_dev), inode_(status.st_ino), is_any_(true) {}

    dev_t device_ = 0;
    ino_t inode_ = 0;
    bool is_any_ = false;
};

}  // namespace twincached::app
