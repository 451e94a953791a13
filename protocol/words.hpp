// A request line, word by word. Words are separated by blanks; only the blank separates, so a tab
// is a part of a word, as it is for memcached. One pass, no copies.
#pragma once

#include "lib/numbers.hpp"

#include <concepts>
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

// As strict as lib::parse_number, but one '+' in front is accepted, as memcached accepts it.
template <std::integral Number>
std::optional<Number> parse_signed_word(std::string_view word) noexcept {
    if (word.size() > 1 && word.front() == '+' && word[1] != '-') word.remove_prefix(1);
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
