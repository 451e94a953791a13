#include "app/twinctl/dump_file.hpp"

#include <fmt/format.h>

namespace twincached::app {
namespace {

// The largest item in base64, and its key.
constexpr std::size_t line_limit = std::size_t{3} << 29;

// False at the end, and if the line is too long to be one.
bool read_line(std::istream& file, std::string& line) {
    line.clear();
    for (auto* const bytes = file.rdbuf(); line.size() < line_limit;) {
        const auto byte = bytes->sbumpc();
        if (byte == std::istream::traits_type::eof()) return false;
        if (byte == '\n') return true;
        line += static_cast<char>(byte);
    }
    return false;
}

}  // namespace

std::string dump_end(std::uint64_t items) {
    return fmt::format("# end {}\n", items);
}

std::string read_dump(std::istream& file,
                      lib::FunctionRef<std::string(std::string_view line)> take) {
    std::string line;
    if (!read_line(file, line) || line + "\n" != dump_begin)
        return fmt::format("this is no dump: its first line is not '{}'",
                           dump_begin.substr(0, dump_begin.size() - 1));
    std::uint64_t items = 0;
    while (read_line(file, line)) {
        if (line + "\n" == dump_end(items)) return {};
        if (line.starts_with('#')) continue;
        ++items;
        auto problem = take(line);
        if (!problem.empty()) return fmt::format("item {}: {}", items, problem);
    }
    return fmt::format("the dump is cut off behind {} items: its last line is missing", items);
}

}  // namespace twincached::app
