#include "app/endpoint/query.hpp"

#include "app/endpoint/standing.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace twincached::app {
namespace {

struct Parameter {
    std::string_view name;
    std::string_view value;
};

// The first one, which is taken from the text.
Parameter next_of(std::string_view& text) noexcept {
    const auto part = text.substr(0, text.find('&'));
    text.remove_prefix(std::min(text.size(), part.size() + 1));
    const auto mark = std::min(part.size(), part.find('='));
    return {part.substr(0, mark), part.substr(std::min(part.size(), mark + 1))};
}

}  // namespace

std::optional<std::string> percent_decoded(std::string_view text) {
    std::string decoded;
    while (!text.empty()) {
        if (text.front() != '%') {
            decoded += text.front();
            text.remove_prefix(1);
            continue;
        }
        unsigned byte = 0;
        const auto* const begin = text.data() + 1;
        if (text.size() < 3 || std::from_chars(begin, begin + 2, byte, 16).ptr != begin + 2)
            return std::nullopt;
        decoded += static_cast<char>(byte);
        text.remove_prefix(3);
    }
    return decoded;
}

std::optional<std::string> Query::value(std::string_view name) {
    if (std::find(known_.begin(), known_.end(), name) == known_.end()) known_.push_back(name);
    for (auto rest = text_; !rest.empty();) {
        const auto parameter = next_of(rest);
        if (parameter.name == name) return percent_decoded(parameter.value);
    }
    return std::nullopt;
}

std::string Query::problem() const {
    auto open = known_;
    for (auto rest = text_; !rest.empty();) {
        const auto parameter = next_of(rest);
        const auto name = printable(parameter.name);
        const auto found = std::find(open.begin(), open.end(), parameter.name);
        if (found == open.end()) {
            const bool is_twice =
                std::find(known_.begin(), known_.end(), parameter.name) != known_.end();
            return is_twice ? fmt::format("'{}' stands twice", name)
                            : fmt::format("'{}' is no parameter of this page", name);
        }
        if (!percent_decoded(parameter.value))
            return fmt::format("{}: two hexadecimal digits belong behind a '%'", name);
        open.erase(found);
    }
    return {};
}

}  // namespace twincached::app
