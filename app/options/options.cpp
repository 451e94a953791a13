#include "app/options/options.hpp"

#include "lib/option_value.hpp"

#include <string>

namespace twincached::app {

void Options::make_paths_absolute(const std::filesystem::path& directory) {
    for (const auto& row : rows()) {
        if (!row.path) continue;
        const auto path = lib::value_text(row, structs_);
        if (!path.empty()) structs_.set(row, (directory / path).string());
    }
}

}  // namespace twincached::app
