#include "lib/sizes.hpp"

#include "lib/numbers.hpp"

#include <limits>

namespace twincached::lib {
namespace {

constexpr std::string_view letters = "kmgt";

char lowered(char c) noexcept {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

// 0 if the suffix is not one of ours.
std::uint64_t unit_of(std::string_view suffix) noexcept {
    const auto exponent = letters.find(lowered(suffix.front()));
    if (exponent == std::string_view::npos)
        return lowered(suffix.front()) == 'b' && suffix.size() == 1 ? 1 : 0;
    suffix.remove_prefix(1);
    if (!suffix.empty() && lowered(suffix.front()) == 'i' && suffix.size() == 2)
        suffix.remove_prefix(1);
    if (!suffix.empty() && (lowered(suffix.front()) != 'b' || suffix.size() != 1)) return 0;
    return 1ULL << (10 * (exponent + 1));
}

}  // namespace

Parsed<std::uint64_t> parse_size(std::string_view text, std::uint64_t plain_unit) {
    const auto digits = text.substr(0, text.find_first_not_of("0123456789"));
    const auto suffix = text.substr(digits.size());
    const auto number = parse_number<std::uint64_t>(digits);
    const auto unit = suffix.empty() ? plain_unit : unit_of(suffix);
    if (digits == "0" && suffix.empty()) return 0;
    if (!number || unit == 0) {
        return "'" + std::string(text) + "' is not a size such as 512k, 64m or 2g";
    }
    if (*number > std::numeric_limits<std::uint64_t>::max() / unit) {
        return "'" + std::string(text) + "' is larger than any memory";
    }
    return *number * unit;
}

std::string size_text(std::uint64_t bytes) {
    std::size_t exponent = 0;
    while (exponent < letters.size() && bytes >= 1024 && bytes % 1024 == 0) {
        bytes /= 1024;
        ++exponent;
    }
    if (bytes == 0) return "0";
    return std::to_string(bytes) + (exponent > 0 ? letters[exponent - 1] : 'b');
}

}  // namespace twincached::lib
