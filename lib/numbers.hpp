// Strict decimal numbers: the whole text must be the number, no blanks, no '+', no overflow.
#pragma once

#include <charconv>
#include <concepts>
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

}  // namespace twincached::lib
