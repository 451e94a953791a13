#include "lib/input/text_file.hpp"

#include <fcntl.h>
#include <poll.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <memory>
#include <optional>
#include <utility>

namespace twincached::lib {
namespace {

using std::chrono::milliseconds;

// Who makes a pipe and writes to it in the same breath may be a little later than who reads it.
constexpr milliseconds patience_for_a_writer(250);
// What comes out of a pipe may have to be fetched from elsewhere first.
constexpr milliseconds patience_with_a_writer(10'000);

struct Close {
    void operator()(std::FILE* file) const noexcept { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, Close>;

// A pipe that nobody writes to would hold whoever opens it in any other way.
File open(const std::string& path) {
    const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    return File(descriptor < 0 ? nullptr : ::fdopen(descriptor, "r"));
}

// False if there is nothing to read by then, not even the end.
bool has_something_within(milliseconds patience, std::FILE* file) noexcept {
    pollfd watched{::fileno(file), POLLIN, 0};
    int ready = 0;
    do {
        ready = ::poll(&watched, 1, static_cast<int>(patience.count()));
    } while (ready < 0 && errno == EINTR);
    return ready > 0;
}

// Zero if something was read, or the end; else why not.
int append_from(std::FILE* file, std::string& content) {
    char block[4096];
    std::clearerr(file);
    content.append(block, std::fread(block, 1, sizeof block, file));
    const int reason = std::ferror(file) != 0 ? errno : 0;
    return reason == EINTR ? 0 : reason;
}

// Why the rest cannot be had; nothing if all of it is in `content`.
std::optional<std::string> obstacle(std::FILE* file, std::string& content) {
    // A pipe without a writer ends at once, and one whose writer has left as soon as it is read.
    const bool has_end = has_something_within(patience_for_a_writer, file);
    while (true) {
        const int reason = append_from(file, content);
        if (content.size() > text_file_limit_bytes) return "it is larger than 4 MiB";
        if (reason != 0 && reason != EAGAIN) return std::strerror(reason);
        if (reason != 0 && !has_something_within(patience_with_a_writer, file))
            return "nothing has come out of it for 10 s";
        if (std::feof(file) == 0) continue;
        if (has_end || !content.empty()) return std::nullopt;
        return "it is a pipe that nobody writes to";
    }
}

Parsed<std::string> failed(std::string reason) {
    return Parsed<std::string>(boost::system::in_place_error, std::move(reason));
}

}  // namespace

Parsed<std::string> read_text_file(const std::string& path) {
    const auto file = open(path);
    if (!file) return failed(std::strerror(errno));
    std::string content;
    if (auto why = obstacle(file.get(), content)) return failed(std::move(*why));
    return Parsed<std::string>(boost::system::in_place_value, std::move(content));
}

}  // namespace twincached::lib
