// Decimal numbers in text: strict ones, where the whole text must be the number, without blanks, a
// '+' or an overflow; and such as C's strtoll and strtoull take them, for what memcached reads so.
#pragma once

#include <charconv>
#include <concepts>
#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>

namespace twincached::lib {

// '-' is accepted for signed types only.
template <std::integral Number>
std::optional<Number> parse_number(std::string_view text) noexcept {
    Number value{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
}

// White space as C's isspace knows it.
constexpr bool is_space(char letter) noexcept {
    return letter == ' ' || (letter >= '\t' && letter <= '\r');
}

// The 64-bit number that the text begins with: white space before it and one sign are overlooked,
// and behind it comes the end, white space, or a zero byte, and then anything. No overflow.
// An unsigned number with a '-' is taken modulo 2^64, and refused if that lies above 2^63.
template <std::integral Number>
std::optional<Number> parse_leading_number(std::string_view text) noexcept {
    static_assert(sizeof(Number) == sizeof(std::uint64_t));
    // As most flags and exptimes are.
    if (text == "0") return Number{0};
    while (!text.empty() && is_space(text.front()))
        text.remove_prefix(1);
    const bool negative = text.starts_with('-');
    if (negative || text.starts_with('+')) text.remove_prefix(1);
    std::uint64_t size = 0;
    const char* const text_end = text.data() + text.size();
    const auto [end, error] = std::from_chars(text.data(), text_end, size);
    if (error != std::errc{} || (end != text_end && !is_space(*end) && *end != '\0')) {
        return std::nullopt;
    }
    constexpr auto largest = std::uint64_t{std::numeric_limits<std::int64_t>::max()};
    const auto number = negative ? std::uint64_t{0} - size : size;
    if constexpr (std::unsigned_integral<Number>) {
        if (negative && number > largest) return std::nullopt;
    } else {
        if (size > largest + (negative ? 1 : 0)) return std::nullopt;
    }
    return static_cast<Number>(number);
}

}  // namespace twincached::lib
