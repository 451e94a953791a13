// Values that incr and decr work on: such that memcached's safe_strtoull takes for a number.
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
    return lib::parse_leading_number<std::uint64_t>(value);
}

// A number as text, without an allocation; valid until the next `write`.
class NumberText {
  public:
    std::string_view write(std::uint64_t number) noexcept {
        char* const end = std::to_chars(text_.data(), text_.data() + text_.size(), number).ptr;
        return {text_.data(), static_cast<std::size_t>(end - text_.data())};
    }

  private:
    std::array<char, numeric_value_limit> text_{};
};

}  // namespace twincached::storage
