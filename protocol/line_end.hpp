// What ends a line, and a value, of the text protocol.
#pragma once

#include <cstddef>
#include <string_view>

namespace twincached::protocol {

inline constexpr std::string_view line_end = "\r\n";

constexpr bool has_line_end(std::string_view text, std::size_t at) noexcept {
    return at + 1 < text.size() && text[at] == line_end[0] && text[at + 1] == line_end[1];
}

}  // namespace twincached::protocol
