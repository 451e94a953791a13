#include "app/twinctl/item_line.hpp"

#include "lib/numbers.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace twincached::app {
namespace {

std::optional<std::string> decoded(std::string_view text) {
    std::string bytes;
    while (!text.empty()) {
        std::size_t used = 1;
        unsigned byte = static_cast<unsigned char>(text.front());
        if (text.front() == '%') {
            used = 3;
            const auto* const digits = text.data() + 1;
            if (text.size() < 3 || std::from_chars(digits, digits + 2, byte, 16).ptr != digits + 2)
                return std::nullopt;
        }
        bytes += static_cast<char>(byte);
        text.remove_prefix(used);
    }
    return bytes;
}

template <class Number>
bool take(std::string_view text, Number& to) noexcept {
    const auto number = lib::parse_number<Number>(text);
    if (number) to = *number;
    return number.has_value();
}

// False if the word's value cannot be read.
bool take_word(std::string_view name, std::string_view value, ItemLine& to) {
    if (name == "version") return take(value, to.version);
    if (name == "exp") return take(value, to.expires);
    if (name == "flags") return take(value, to.flags);
    if (name == "size") return take(value, to.size);
    if (name == "stale") to.is_stale = value == "yes";
    if (name == "value") to.value_text = value;
    if (name != "key") return true;
    auto key = decoded(value);
    if (!key || key->empty()) return false;
    to.key = std::move(*key);
    to.shown_key = value;
    return true;
}

}  // namespace

std::optional<ItemLine> parse_item_line(std::string_view line) {
    ItemLine item;
    while (!line.empty()) {
        const auto word = line.substr(0, line.find(' '));
        line.remove_prefix(std::min(line.size(), word.size() + 1));
        const auto mark = word.find('=');
        if (mark == std::string_view::npos) return std::nullopt;
        if (!take_word(word.substr(0, mark), word.substr(mark + 1), item)) return std::nullopt;
    }
    if (item.key.empty()) return std::nullopt;
    return item;
}

std::string percent_encoded(std::string_view text) {
    std::string encoded;
    for (const char letter : text) {
        const auto byte = static_cast<unsigned char>(letter);
        const bool is_plain = (letter >= 'a' && letter <= 'z') ||
                              (letter >= 'A' && letter <= 'Z') ||
                              (letter >= '0' && letter <= '9') ||
                              std::string_view("-._~").find(letter) != std::string_view::npos;
        encoded += is_plain ? std::string(1, letter) : fmt::format("%{:02X}", byte);
    }
    return encoded;
}

}  // namespace twincached::app
