// What an operator may decide of how items survive a restart. Plain values.
#pragma once

#include "lib/option_row.hpp"

#include <chrono>
#include <span>
#include <string>

namespace twincached::app {

struct MemoryFileOptions {
    std::string path;                     // empty: items do not survive a restart
    std::chrono::milliseconds timeout{};  // for saving, and for putting back
};

std::span<const lib::OptionRow> memory_file_option_rows() noexcept;

}  // namespace twincached::app
