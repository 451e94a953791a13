#include "lib/input/text_file.hpp"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <optional>
#include <utility>

namespace twincached::lib {
namespace {

using std::chrono::milliseconds;

// Who makes a pipe and writes to it in the same breath may be a little later than who reads it.
constexpr milliseconds patience_for_a_writer(250);
// What comes out of a pipe may have to be fetched from elsewhere first.
constexpr milliseconds patience_with_a_writer(10'000);

class File {
  public:
    // A pipe that nobody writes to would hold whoever opens it in any other way.
    explicit File(const std::string& path) noexcept
        : descriptor_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)) {}
    ~File() {
        if (is_open()) ::close(descriptor_);
    }
    File(const File&) = delete;
    File& operator=(const File&) = delete;

    bool is_open() const noexcept { return descriptor_ >= 0; }

    // False if there is nothing to read by then, not even the end.
    bool has_something_within(milliseconds patience) const noexcept {
        pollfd watched{descriptor_, POLLIN, 0};
        int ready = 0;
        do {
            ready = ::poll(&watched, 1, static_cast<int>(patience.count()));
        } while (ready < 0 && errno == EINTR);
        return ready > 0;
    }

    // As ::read().
    ssize_t append_to(std::string& content) const {
        char block[4096];
        ssize_t count = 0;
        do {
            count = ::read(descriptor_, block, sizeof block);
        } while (count < 0 && errno == EINTR);
        if (count > 0) content.append(block, static_cast<std::size_t>(count));
        return count;
    }

  private:
    const int descriptor_;
};

// Why the rest cannot be had; nothing if all of it is in `content`.
std::optional<std::string> obstacle(const File& file, std::string& content) {
    // A pipe without a writer ends at once, and one whose writer has left as soon as it is read.
    const bool has_end = file.has_something_within(patience_for_a_writer);
    while (true) {
        const auto count = file.append_to(content);
        if (count == 0 && (has_end || !content.empty())) return std::nullopt;
        if (count == 0) return "it is a pipe that nobody writes to";
        if (content.size() > text_file_limit_bytes) return "it is larger than 4 MiB";
        if (count > 0) continue;
        if (errno != EAGAIN) return std::strerror(errno);
        if (!file.has_something_within(patience_with_a_writer))
            return "nothing has come out of it for 10 s";
    }
}

Parsed<std::string> failed(std::string reason) {
    return Parsed<std::string>(boost::system::in_place_error, std::move(reason));
}

}  // namespace

Parsed<std::string> read_text_file(const std::string& path) {
    const File file(path);
    if (!file.is_open()) return failed(std::strerror(errno));
    std::string content;
    if (auto why = obstacle(file, content)) return failed(std::move(*why));
    return Parsed<std::string>(boost::system::in_place_value, std::move(content));
}

}  // namespace twincached::lib
