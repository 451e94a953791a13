// A request line, word by word. Words are separated by blanks; only the blank separates, so a tab
// is a part of a word, as it is for memcached. One pass, no copies.
#pragma once

#include "lib/endian.hpp"
#include "lib/numbers.hpp"

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace twincached::protocol {

class Words {
  public:
    explicit constexpr Words(std::string_view line) noexcept : rest_(line) {}

    // The next word; empty at the end.
    constexpr std::string_view next() noexcept {
        std::size_t begin = 0;
        while (begin < rest_.size() && rest_[begin] == ' ')
            ++begin;
        std::size_t end = begin;
        while (end < rest_.size() && rest_[end] != ' ')
            ++end;
        const auto word = rest_.substr(begin, end - begin);
        rest_.remove_prefix(end);
        return word;
    }

    // What has not been taken yet, blanks included.
    constexpr std::string_view rest() const noexcept { return rest_; }

  private:
    std::string_view rest_;
};

// What of `text` stands before its first byte that is a blank or a control character: looked at
// eight bytes at a time, because most keys are longer.
inline std::string_view visible_front(std::string_view text) noexcept {
    constexpr auto ones = ~std::uint64_t{0} / 0xFF;
    std::size_t size = 0;
    // A byte below 33 borrows from its high bit; the first that does is not mistaken for one.
    for (; size + sizeof ones <= text.size(); size += sizeof ones) {
        const auto bytes = lib::load_little<std::uint64_t>(text.data() + size);
        const auto found = (bytes - ones * (' ' + 1)) & ~bytes & (ones * 0x80);
        if (found != 0) {
            return text.substr(0, size + static_cast<unsigned>(std::countr_zero(found)) / 8);
        }
    }
    while (size < text.size() && static_cast<unsigned char>(text[size]) > ' ')
        ++size;
    return text.substr(0, size);
}

// memcached reads numbers in two ways. What has long been asked for, it reads as C does: flags,
// exptimes, deltas, CAS uniques (lib::parse_leading_number). Lengths, and the numbers of gat,
// flush_all and the administrative verbs, must be nothing but digits behind at most one '-', and
// not many, zeros in front included.
template <std::integral Number>
std::optional<Number> parse_strict_word(std::string_view word) noexcept {
    static_assert(sizeof(Number) == sizeof(std::uint32_t));
    constexpr std::size_t length_limit = 11;
    if (word.size() > length_limit) return std::nullopt;
    return lib::parse_number<Number>(word);
}

// Is `word` the last word of the line?
constexpr bool ends_with_word(std::string_view line, std::string_view word) noexcept {
    while (!line.empty() && line.back() == ' ')
        line.remove_suffix(1);
    if (!line.ends_with(word)) return false;
    line.remove_suffix(word.size());
    return line.empty() || line.back() == ' ';
}

constexpr bool asks_no_reply(std::string_view words) noexcept {
    return ends_with_word(words, "noreply");
}

}  // namespace twincached::protocol
