// The project's own sources as lines of text, for tests that read the tree.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace twincached::tidy {

struct SourceFile {
    std::string path;  // from the root: "storage/shard/shard.hpp"
    std::vector<std::string> lines;

    bool is_header() const { return path.ends_with(".hpp"); }
};

// All .hpp and .cpp files below the given folders.
std::vector<SourceFile> sources_below(const std::vector<std::string>& folders);

// All files with this ending below a folder, as paths from the root.
std::vector<std::string> paths_below(const std::string& folder, std::string_view ending);

std::string content_of(const std::string& path);
void write_content(const std::string& path, const std::string& content);

// The folder of the product that a path or an include belongs to; nothing if it is none.
std::string_view layer_of(std::string_view path);

// What stands between the quotes or angle brackets; nothing if the line is no #include.
std::string_view included_by(std::string_view line);

}  // namespace twincached::tidy
