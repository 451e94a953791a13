#include "app/restart/memory_file_options.hpp"

#include <array>

namespace twincached::app {
namespace {

constexpr std::uint64_t seconds = 1000;

constexpr std::array rows = {
    lib::OptionRow{
        .section = "memory",
        .key = "file",
        .flag = "memory-file",
        .letter = 'e',
        .fills = lib::fills<&MemoryFileOptions::path>,
        .initial = "",
        .path = true,
        .setting = {.place = 76, .name = "memory_file", .if_empty = "(null)"},
        .help = "Items are saved here at an orderly stop and put back at the next start."},
    lib::OptionRow{.section = "memory",
                   .key = "file-timeout",
                   .flag = "memory-file-timeout",
                   .fills = lib::fills<&MemoryFileOptions::timeout>,
                   .initial = "60s",
                   .least = 100,
                   .most = 3600.0 * seconds,
                   .help = "Saving, or putting back, that takes longer is given up: the next start "
                           "is an empty one."},
};

}  // namespace

std::span<const lib::OptionRow> memory_file_option_rows() noexcept {
    return rows;
}

}  // namespace twincached::app
