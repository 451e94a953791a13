// Composing text by hand in a buffer that is known to be large enough: the answers of the hot
// path. Each function returns the place behind what it wrote.
#pragma once

#include <charconv>
#include <concepts>
#include <cstddef>
#include <cstring>
#include <string_view>

namespace twincached::protocol {

inline constexpr std::size_t digits_limit = 20;  // of a 64-bit number, its sign included

inline char* put(char* at, std::string_view text) noexcept {
    std::memcpy(at, text.data(), text.size());
    return at + text.size();
}

template <std::integral Number>
char* put_number(char* at, Number number) noexcept {
    if (number >= 0 && number < 10) {
        *at = static_cast<char>('0' + static_cast<char>(number));
        return at + 1;
    }
    return std::to_chars(at, at + digits_limit, number).ptr;
}

}  // namespace twincached::protocol
