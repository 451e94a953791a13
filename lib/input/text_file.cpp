#include "lib/input/text_file.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <utility>

namespace twincached::lib {
namespace {

struct Close {
    void operator()(std::FILE* file) const noexcept { std::fclose(file); }
};

Parsed<std::string> failed(std::string reason) {
    return Parsed<std::string>(boost::system::in_place_error, std::move(reason));
}

}  // namespace

Parsed<std::string> read_text_file(const std::string& path) {
    const std::unique_ptr<std::FILE, Close> file(std::fopen(path.c_str(), "re"));
    if (!file) return failed(std::strerror(errno));
    std::string content;
    char block[4096];
    while (const auto count = std::fread(block, 1, sizeof block, file.get())) {
        content.append(block, count);
        if (content.size() > text_file_limit_bytes) return failed("it is larger than 4 MiB");
    }
    if (std::ferror(file.get()) != 0) return failed(std::strerror(errno));
    return Parsed<std::string>(boost::system::in_place_value, std::move(content));
}

}  // namespace twincached::lib
