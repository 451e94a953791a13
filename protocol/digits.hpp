// Composing text by hand in a buffer that is known to be large enough: the answers of the hot
// path. Each function returns the place behind what it wrote.
#pragma once

#include <array>
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

// "00" to "99", one behind the other.
inline constexpr auto digit_pairs = [] {
    std::array<char, 200> pairs{};
    for (std::size_t i = 0; i < pairs.size(); ++i) {
        const auto number = i / 2;
        pairs[i] = static_cast<char>('0' + (i % 2 == 0 ? number / 10 : number % 10));
    }
    return pairs;
}();

inline char* put_pair(char* at, unsigned number) noexcept {
    std::memcpy(at, &digit_pairs[std::size_t{number} * 2], 2);
    return at + 2;
}

inline char* put_digit(char* at, unsigned number) noexcept {
    *at = static_cast<char>('0' + number);
    return at + 1;
}

// Most numbers of an answer are flags of 0 and sizes of a few digits, for which to_chars does four
// times as much.
template <std::integral Number>
char* put_number(char* at, Number number) noexcept {
    if (number < 0 || number >= 10'000) return std::to_chars(at, at + digits_limit, number).ptr;
    const auto small = static_cast<unsigned>(number);
    if (small < 10) return put_digit(at, small);
    if (small < 100) return put_pair(at, small);
    at = small < 1000 ? put_digit(at, small / 100) : put_pair(at, small / 100);
    return put_pair(at, small % 100);
}

}  // namespace twincached::protocol
