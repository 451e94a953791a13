#include "storage/store_options.hpp"

#include <array>
#include <charconv>
#include <cstdlib>
#include <string>
#include <string_view>

namespace twincached::storage {
namespace {

constexpr std::uint64_t kib = 1024;
constexpr std::uint64_t mib = 1024 * kib;
constexpr std::uint64_t gib = 1024 * mib;

std::string on_or_off(std::string_view plain) {
    return plain == "yes" ? "on" : "off";
}

// 1.25, and 1.2 as 1.20.
std::string two_decimals(std::string_view plain) {
    std::array<char, 32> text{};
    const auto value = std::strtod(std::string(plain).c_str(), nullptr);
    const auto end =
        std::to_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed, 2);
    return {text.data(), end.ptr};
}

constexpr std::array rows = {
    lib::OptionRow{.section = "memory",
                   .key = "limit",
                   .flag = "memory-limit",
                   .letter = 'm',
                   .fills = lib::fills_bytes<&StoreOptions::memory_limit_bytes>,
                   .initial = "64m",
                   .least = 1.0 * mib,
                   .plain_unit = mib,
                   .setting = {.place = 1, .name = "maxbytes"},
                   .help = "Memory for items, index and all that belongs to them."},
    lib::OptionRow{.section = "memory",
                   .key = "evictions",
                   .flag = "disable-evictions",
                   .letter = 'M',
                   .fills = lib::fills<&StoreOptions::evict>,
                   .initial = "yes",
                   .bare = true,
                   .bare_value = false,
                   .setting = {.place = 8, .name = "evictions", .shown = on_or_off},
                   .help = "When memory is full, forget what is least used; no: refuse to store.",
                   .flag_help = "Never evict: when memory is full, refuse to store."},
    lib::OptionRow{
        .section = "memory",
        .key = "item-size-limit",
        .flag = "max-item-size",
        .letter = 'I',
        .fills = lib::fills_bytes<&StoreOptions::item_size_limit_bytes>,
        .initial = "1m",
        .plain_unit = 1,
        .setting = {.place = 24, .name = "item_size_max"},
        .help = "Largest item: key, value and about 60 bytes. 1k to 1g, at most half the limit."},
    lib::OptionRow{.section = "memory",
                   .key = "growth-factor",
                   .flag = "slab-growth-factor",
                   .letter = 'f',
                   .fills = lib::fills<&StoreOptions::growth_factor>,
                   .initial = "1.25",
                   .least = 1.000001,
                   .most = 100,
                   .out_of_range = "Factor must be greater than 1",
                   .out_of_range_end = lib::OptionEnd::low,
                   .setting = {.place = 12, .name = "growth_factor", .shown = two_decimals},
                   .help = "Step between the size classes in reports."},
    lib::OptionRow{.section = "memory",
                   .key = "chunk-size",
                   .flag = "slab-min-size",
                   .letter = 'n',
                   .fills = lib::fills<&StoreOptions::chunk_size_min>,
                   .initial = "48",
                   .least = 1,
                   .most = 1 << 20,
                   .out_of_range = "Chunk size must be greater than 0",
                   .out_of_range_end = lib::OptionEnd::low,
                   .setting = {.place = 13, .name = "chunk_size"},
                   .help = "Space of the smallest size class in reports."},
    lib::OptionRow{
        .section = "process",
        .key = "huge-pages",
        .flag = "enable-largepages",
        .letter = 'L',
        .fills = lib::fills<&StoreOptions::huge_pages>,
        .initial = "no",
        .bare = true,
        .help = "Ask the system for huge pages for items and index (transparent huge pages)."},
};

}  // namespace

std::span<const lib::OptionRow> store_option_rows() noexcept {
    return rows;
}

std::vector<lib::OptionProblem> problems_of(const StoreOptions& options) {
    const auto size = options.item_size_limit_bytes;
    const auto blame = [](std::string message) {
        return std::vector<lib::OptionProblem>{{"memory", "item-size-limit", std::move(message)}};
    };
    if (size < kib) return blame("Item max size cannot be less than 1024 bytes.");
    if (size > gib) return blame("Cannot set item size limit higher than a gigabyte.");
    if (size > options.memory_limit_bytes / 2) {
        return blame("Cannot set item size limit higher than 1/2 of memory max.");
    }
    return {};
}

}  // namespace twincached::storage
