#include "test/tidy/source_tree.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace twincached::tidy {
namespace {

namespace fs = std::filesystem;
const fs::path root = TWINCACHED_SOURCE_DIR;

}  // namespace

std::string content_of(const std::string& path) {
    std::ifstream file(root / path);
    std::ostringstream content;
    content << file.rdbuf();
    return content.str();
}

void write_content(const std::string& path, const std::string& content) {
    std::ofstream(root / path) << content;
}

std::vector<std::string> paths_below(const std::string& folder, std::string_view ending) {
    std::vector<std::string> paths;
    for (const auto& entry : fs::recursive_directory_iterator(root / folder)) {
        auto path = fs::relative(entry.path(), root).string();
        if (path.ends_with(ending)) paths.push_back(std::move(path));
    }
    std::sort(paths.begin(), paths.end());
    return paths;
}

std::vector<SourceFile> sources_below(const std::vector<std::string>& folders) {
    std::vector<SourceFile> files;
    for (const auto& folder : folders) {
        for (const auto& entry : fs::recursive_directory_iterator(root / folder)) {
            const auto extension = entry.path().extension();
            if (extension != ".hpp" && extension != ".cpp") continue;
            SourceFile file{fs::relative(entry.path(), root).string(), {}};
            std::istringstream content(content_of(file.path));
            for (std::string line; std::getline(content, line);)
                file.lines.push_back(line);
            files.push_back(std::move(file));
        }
    }
    std::sort(files.begin(), files.end(),
              [](const auto& left, const auto& right) { return left.path < right.path; });
    return files;
}

std::string_view layer_of(std::string_view path) {
    for (const std::string_view layer : {"lib", "storage", "protocol", "replication", "app"}) {
        if (path.starts_with(layer) && path.substr(layer.size()).starts_with('/')) return layer;
    }
    return {};
}

std::string_view included_by(std::string_view line) {
    constexpr std::string_view directive = "#include ";
    if (!line.starts_with(directive) || line.size() < directive.size() + 2) return {};
    line.remove_prefix(directive.size() + 1);
    return line.substr(0, line.find_first_of("\">"));
}

}  // namespace twincached::tidy
