// That a path belongs to this process and no other, from before there is anything at it: a file
// beside it, path.lock, on which a lock is held. The lock ends with the process, however that ends;
// the file is removed in order, unless another process has its own there by now, and one that is
// left over means nothing.
//
// Needed where asking who is there does not tell: a node that has not opened its unix socket yet,
// or has shut it for a while, answers nobody and has the path all the same. One owner, one thread.
#pragma once

#include <string>
#include <string_view>

namespace twincached::app {

class PathLock {
  public:
    // Throws std::runtime_error with a sentence, of that option, if another process has it or the
    // lock cannot be made.
    PathLock(const std::string& path, std::string_view option);
    ~PathLock();
    PathLock(const PathLock&) = delete;
    PathLock& operator=(const PathLock&) = delete;

  private:
    bool is_current() const noexcept;

    const std::string file_;
    int descriptor_ = -1;
};

}  // namespace twincached::app
