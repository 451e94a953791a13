// The file that holds the process id while the server lives. It is locked for that time, so that
// a file left over by a crash is told from one whose owner lives.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

namespace twincached::app {

class PidFile {
  public:
    // Throws std::runtime_error if a living server holds it or it cannot be written.
    explicit PidFile(std::string path);
    ~PidFile() { (void)remove(); }
    PidFile(const PidFile&) = delete;
    PidFile& operator=(const PidFile&) = delete;

    // Lets that user empty the file at the end, if the folder does not let it remove it.
    void give_to(uid_t user, gid_t group) noexcept;
    // What could not be done, if anything: a folder that is not the user's keeps the file, empty.
    std::optional<std::string> remove();

  private:
    std::string path_;
    int descriptor_ = -1;
};

}  // namespace twincached::app
