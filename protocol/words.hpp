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

// How far `text` goes before its first byte that ends it. It is looked at eight bytes at a time,
// because most keys are longer: `marks` sets the high bit of such bytes in a number whose lowest
// byte came first, and may do so in any behind the first of them.
template <class Marks, class Ends>
std::size_t size_of_front(std::string_view text, Marks marks, Ends ends) noexcept {
    constexpr auto step = sizeof(std::uint64_t);
    const auto size_from = [&](std::size_t at) {
        const auto marked = marks(lib::load_little<std::uint64_t>(text.data() + at));
        return at + static_cast<unsigned>(std::countr_zero(marked)) / 8;
    };
    std::size_t size = 0;
    if (text.size() < step) {
        while (size < text.size() && !ends(text[size]))
            ++size;
        return size;
    }
    for (; size + step <= text.size(); size += step) {
        const auto found = size_from(size);
        if (found < size + step) return found;
    }
    // The last ones once more, with what has not been looked at.
    return size_from(text.size() - step);
}

// Which of eight bytes are smaller than `limit`, which is 128 at most: they borrow from a bit that
// they do not have.
constexpr std::uint64_t marks_below(std::uint64_t bytes, std::uint64_t limit) noexcept {
    constexpr auto ones = ~std::uint64_t{0} / 0xFF;
    return (bytes - ones * limit) & ~bytes & (ones * 0x80);
}

// What of `text` stands before its first byte that is a blank or a control character.
inline std::string_view visible_front(std::string_view text) noexcept {
    const auto size = size_of_front(
        text, [](std::uint64_t bytes) { return marks_below(bytes, ' ' + 1); },
        [](char byte) { return static_cast<unsigned char>(byte) <= ' '; });
    return {text.data(), size};
}

class Words {
  public:
    explicit constexpr Words(std::string_view line) noexcept : rest_(line) {}

    // The next word; empty at the end.
    std::string_view next() noexcept {
        while (!rest_.empty() && rest_.front() == ' ')
            rest_.remove_prefix(1);
        constexpr auto blanks = ~std::uint64_t{0} / 0xFF * ' ';
        const auto size = size_of_front(
            rest_, [](std::uint64_t bytes) { return marks_below(bytes ^ blanks, 1); },
            [](char byte) { return byte == ' '; });
        const std::string_view word(rest_.data(), size);
        rest_.remove_prefix(size);
        return word;
    }

    // What has not been taken yet, blanks included.
    constexpr std::string_view rest() const noexcept { return rest_; }

  private:
    std::string_view rest_;
};

// Is there a word of more than `limit` bytes? Only the last blank of as many is looked for, and
// what stands before it needs no second look: much less than to find every word.
constexpr bool has_word_longer_than(std::string_view line, std::size_t limit) noexcept {
    while (line.size() > limit) {
        const auto blank = line.rfind(' ', limit);
        if (blank == std::string_view::npos) return true;
        line.remove_prefix(blank + 1);
    }
    return false;
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
