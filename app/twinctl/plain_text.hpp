// What a node says, fit for a terminal. Whoever it is that answers where a node was asked, nothing
// of it moves the cursor, turns the direction of reading or begins another line. Pure functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace twincached::app {

// How many bytes of the text are its first character, if that may be shown; 0: it may not.
// (RFC 3629; what is not written in the shortest way is none.)
constexpr std::size_t plain_size(std::string_view text) noexcept {
    const auto first = static_cast<unsigned char>(text.front());
    if (first < 0x80) return first >= ' ' && first != 0x7F ? 1 : 0;
    const std::size_t size = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
    if (first < 0xC2 || first > 0xF4 || text.size() < size) return 0;
    std::uint32_t character = first & (0xFFU >> (size + 1));
    for (const char byte : text.substr(1, size - 1)) {
        if ((static_cast<unsigned char>(byte) & 0xC0U) != 0x80) return 0;
        character = character << 6 | (static_cast<unsigned char>(byte) & 0x3FU);
    }
    constexpr std::uint32_t least[] = {0, 0, 0xA0, 0x800, 0x10000};
    const bool is_one = character >= least[size] && character <= 0x10FFFF &&
                        (character < 0xD800 || character > 0xDFFF);
    // Line and paragraph separators, and what turns the direction.
    const bool turns = (character >= 0x200E && character <= 0x200F) ||
                       (character >= 0x2028 && character <= 0x202E) ||
                       (character >= 0x2066 && character <= 0x2069) || character == 0x61C;
    return is_one && !turns ? size : 0;
}

constexpr bool is_plain(std::string_view text) noexcept {
    while (!text.empty()) {
        const auto size = plain_size(text);
        if (size == 0) return false;
        text.remove_prefix(size);
    }
    return true;
}

// Of a text its first line, with a '?' for each byte that may not be shown.
inline std::string plain_line(std::string_view text) {
    text = text.substr(0, text.find('\n'));
    std::string plain;
    while (!text.empty()) {
        const auto size = plain_size(text);
        if (size == 0) {
            plain += '?';
        } else {
            plain.append(text.substr(0, size));
        }
        text.remove_prefix(size == 0 ? 1 : size);
    }
    return plain;
}

}  // namespace twincached::app
