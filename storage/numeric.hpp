// Values that incr and decr work on: decimal digits, at most 20, perhaps with blanks behind them.
#pragma once

#include "lib/numbers.hpp"

#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace twincached::storage {

inline constexpr std::size_t numeric_value_limit = 20;  // digits of 2^64 - 1

inline std::optional<std::uint64_t> parse_numeric_value(std::string_view value) noexcept {
    if (value.size() > numeric_value_limit) return std::nullopt;
    while (!value.empty() && value.back() == ' ')
        value.remove_suffix(1);
    return lib::parse_number<std::uint64_t>(value);
}

// A number as text; valid until the next `write`.
class NumberText {
  public:
    // Padded with blanks to `least` bytes. REQUIRES: least <= numeric_value_limit.
    std::string_view write(std::uint64_t number, std::size_t least) noexcept {
        text_.fill(' ');
        char* const end = std::to_chars(text_.data(), text_.data() + text_.size(), number).ptr;
        const auto length = static_cast<std::size_t>(end - text_.data());
        return {text_.data(), length < least ? least : length};
    }

  private:
    std::array<char, numeric_value_limit> text_{};
};

}  // namespace twincached::storage
