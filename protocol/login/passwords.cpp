#include "protocol/login/passwords.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace twincached::protocol {

namespace {

std::string at_line(std::size_t line, std::string_view what) {
    return "line " + std::to_string(line) + ": " + std::string(what);
}

struct UserLine {
    std::string_view user;
    std::string_view password;
};

UserLine split(std::string_view line, PasswordFormat format) noexcept {
    const auto colon = line.find(':');
    if (colon == std::string_view::npos) return {};
    UserLine entry{line.substr(0, colon), line.substr(colon + 1)};
    if (format == PasswordFormat::until_colon) {
        entry.password = entry.password.substr(0, entry.password.find(':'));
    }
    return entry;
}

// Empty if nothing is.
std::string_view what_is_wrong_with(const UserLine& entry) noexcept {
    constexpr auto limit = PasswordTable::word_limit;
    static_assert(limit == 255);
    const auto has_nul = [](std::string_view text) { return text.find('\0') != text.npos; };
    if (entry.user.empty() || entry.password.empty()) {
        return "malformed entry, should be 'user:password'";
    }
    if (entry.user.size() > limit || entry.password.size() > limit) {
        return "a user or password is longer than 255 bytes";
    }
    if (has_nul(entry.user) || has_nul(entry.password)) return "there is a NUL byte";
    return {};
}

}  // namespace

lib::Parsed<PasswordTable> PasswordTable::parse(std::string_view content, PasswordFormat format) {
    if (content.size() > content_limit) {
        return "longer than " + std::to_string(content_limit) + " bytes";
    }
    PasswordTable table;
    for (std::size_t number = 1; !content.empty(); ++number) {
        const auto newline = content.find('\n');
        auto line = content.substr(0, newline);
        content.remove_prefix(newline == std::string_view::npos ? content.size() : newline + 1);
        if (line.ends_with('\r')) line.remove_suffix(1);
        const auto entry = split(line, format);
        const auto problem = what_is_wrong_with(entry);
        if (!problem.empty()) return at_line(number, problem);
        if (table.entries_.size() == entry_limit) {
            return at_line(number, "more than " + std::to_string(entry_limit) + " users");
        }
        table.entries_.push_back({word_of(entry.user), word_of(entry.password)});
    }
    if (table.entries_.empty()) return std::string("no user in it, should be 'user:password'");
    return table;
}

bool PasswordTable::accepts(std::string_view user, std::string_view password) const noexcept {
    if (user.size() > word_limit || password.size() > word_limit) return false;
    const auto user_word = word_of(user);
    const auto password_word = word_of(password);
    unsigned matches = 0;
    for (const auto& entry : entries_) {
        const unsigned differences =
            difference(entry.user, user_word) | difference(entry.password, password_word);
        matches |= static_cast<unsigned>(differences == 0);
    }
    return matches != 0;
}

PasswordTable::Word PasswordTable::word_of(std::string_view text) noexcept {
    Word word{};
    word.front() = static_cast<unsigned char>(text.size());
    std::copy(text.begin(), text.end(), word.begin() + 1);
    return word;
}

unsigned PasswordTable::difference(const Word& left, const Word& right) noexcept {
    unsigned difference = 0;
    for (std::size_t i = 0; i < left.size(); ++i)
        difference |= static_cast<unsigned>(left[i] ^ right[i]);
    return difference;
}

}  // namespace twincached::protocol
