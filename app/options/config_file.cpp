#include "app/options/config_file.hpp"

#include <algorithm>
#include <utility>

namespace twincached::app {
namespace {

constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";

bool is_blank(char c) noexcept {
    return c == ' ' || c == '\t';
}
bool begins_comment(char c) noexcept {
    return c == '#' || c == ';';
}

std::string_view without_blanks(std::string_view text) noexcept {
    while (!text.empty() && is_blank(text.front()))
        text.remove_prefix(1);
    while (!text.empty() && is_blank(text.back()))
        text.remove_suffix(1);
    return text;
}

std::string_view without_comment(std::string_view text) noexcept {
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (begins_comment(text[i]) && (i == 0 || is_blank(text[i - 1]))) return text.substr(0, i);
    }
    return text;
}

bool is_name(std::string_view text) noexcept {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '-' || c == '_' || c == '.';
    });
}

struct Unquoted {
    std::string value;
    std::string_view problem;  // empty: none
};

// REQUIRES: text begins with '"'.
Unquoted unquoted(std::string_view text) {
    Unquoted result;
    for (std::size_t i = 1; i < text.size(); ++i) {
        if (text[i] == '\\' && i + 1 < text.size()) {
            result.value += text[++i];
        } else if (text[i] == '"') {
            const auto rest = without_blanks(without_comment(text.substr(i + 1)));
            if (!rest.empty()) result.problem = "text after the closing quote";
            return result;
        } else {
            result.value += text[i];
        }
    }
    result.problem = "the closing quote is missing";
    return result;
}

class Tokenizer {
  public:
    void take(std::string_view line) {
        ++line_;
        // Behind it nobody would read on, and half a path or secret would be taken for the whole.
        if (line.find('\0') != std::string_view::npos)
            return complain("a zero byte: this line is not text");
        if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
        line = without_blanks(line);
        if (line.empty() || begins_comment(line.front())) return;
        if (line.front() == '[') return take_section(without_blanks(without_comment(line)));
        take_assignment(line);
    }

    FileEntries result() && { return std::move(result_); }

  private:
    void take_section(std::string_view line) {
        const auto name =
            line.size() < 2 ? std::string_view() : without_blanks(line.substr(1, line.size() - 2));
        if (line.back() != ']' || !is_name(name)) return complain("a section is written [name]");
        section_ = name;
    }

    void take_assignment(std::string_view line) {
        const auto equals = line.find('=');
        const auto key = without_blanks(line.substr(0, equals));
        if (equals == std::string_view::npos || !is_name(key)) {
            return complain("expected key = value, [section] or # comment");
        }
        if (section_.empty() && key != include_key)
            return complain("'" + std::string(key) + "' stands in no [section]");
        const auto raw = without_blanks(line.substr(equals + 1));
        if (raw.empty() || raw.front() != '"') {
            // The blank that a comment needs before it may be the one after '='.
            const auto value = without_comment(line.substr(equals + 1));
            return keep(key, std::string(without_blanks(value)));
        }
        auto [value, problem] = unquoted(raw);
        if (!problem.empty()) return complain(std::string(problem));
        keep(key, std::move(value));
    }

    void keep(std::string_view key, std::string value) {
        result_.entries.push_back({section_, std::string(key), std::move(value), line_});
    }
    void complain(std::string message) { result_.problems.push_back({line_, std::move(message)}); }

    FileEntries result_;
    std::string section_;
    unsigned line_ = 0;
};

}  // namespace

FileEntries tokenize(std::string_view content) {
    if (content.starts_with(byte_order_mark)) content.remove_prefix(byte_order_mark.size());
    Tokenizer tokenizer;
    while (!content.empty()) {
        const auto end = content.find('\n');
        tokenizer.take(content.substr(0, end));
        content.remove_prefix(end == std::string_view::npos ? content.size() : end + 1);
    }
    return std::move(tokenizer).result();
}

std::string quoted_if_needed(std::string_view value) {
    const bool is_plain = value == without_blanks(value) && value == without_comment(value) &&
                          !value.starts_with('"') && !value.ends_with('\r');
    if (is_plain) return std::string(value);
    std::string quoted = "\"";
    for (const char c : value) {
        if (c == '"' || c == '\\') quoted += '\\';
        quoted += c;
    }
    return quoted + '"';
}

}  // namespace twincached::app
