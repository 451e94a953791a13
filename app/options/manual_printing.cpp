#include "app/options/manual_printing.hpp"

#include <fmt/format.h>

#include <cctype>
#include <string_view>
#include <utility>

namespace twincached::app {
namespace {

// What mdoc takes for itself: a backslash anywhere, a dot or an apostrophe at the start of a line.
std::string escaped(std::string_view text) {
    std::string result;
    for (const char c : text) {
        const bool begins = result.empty() || result.back() == '\n';
        if (begins && (c == '.' || c == '\'')) result += "\\&";
        result += c;
        if (c == '\\') result += 'e';
    }
    return result;
}

// The source of a page wants short lines, too: breaks one at its last blank before the limit.
std::string wrapped(std::string lines) {
    constexpr std::size_t widest = 78;  // of 80, of which escapes may take two
    std::size_t begin = 0;
    std::size_t blank = std::string::npos;
    for (std::size_t i = 0; i < lines.size(); ++i) {
        if (lines[i] == ' ') blank = i;
        if (lines[i] == '\n' || (i - begin >= widest && blank != std::string::npos)) {
            const auto end = lines[i] == '\n' ? i : blank;
            lines[end] = '\n';
            begin = end + 1;
            blank = std::string::npos;
        }
    }
    return lines;
}

// One sentence a line, as the pages want it: a stop ends one if a capital follows.
std::string sentences(std::string_view help) {
    std::string lines;
    for (std::size_t i = 0; i < help.size(); ++i) {
        const char c = help[i];
        const bool ends = i >= 2 && help[i - 1] == '.' && (c == ' ' || c == '\n');
        const bool is_followed =
            i + 1 < help.size() && std::isupper(static_cast<unsigned char>(help[i + 1])) != 0;
        lines += ends && is_followed ? '\n' : c;
    }
    return escaped(wrapped(std::move(lines))) + '\n';
}

// A literal behind a macro: a flag's dashes are the macro's, and no word of it is one.
std::string literal(std::string_view text) {
    auto result = escaped(text);
    if (result.find(' ') != std::string::npos) result = '"' + result + '"';
    return result;
}

std::string_view argument_macro_of(const lib::OptionRow& option) noexcept {
    if (option.path) return "file";
    if (!option.choices.empty()) return "choice";
    switch (option.fills.kind) {
        case lib::OptionKind::number:
        case lib::OptionKind::decimal:
            return "number";
        case lib::OptionKind::bytes:
            return "size";
        case lib::OptionKind::duration:
            return "duration";
        case lib::OptionKind::list:
            return "list";
        case lib::OptionKind::flag:
            return "yes|no";
        case lib::OptionKind::text:
        case lib::OptionKind::choice:
            return "text";
    }
    return "text";
}

std::string item_of_flag(const lib::OptionRow& option) {
    std::string item = ".It";
    if (option.letter != 0) {
        item += fmt::format(" Fl {}", option.letter);
        if (!option.bare) item += fmt::format(" Ar {}", argument_macro_of(option));
    }
    if (!option.flag.empty()) {
        item += fmt::format("{} Fl -{}", option.letter != 0 ? " ," : "", option.flag);
        if (!option.bare) item += fmt::format(" Ns = Ns Ar {}", argument_macro_of(option));
    }
    if (option.letter == 0 && option.flag.empty()) {
        item += fmt::format(" Fl o Cm {}", option.word);
        if (!option.bare) item += fmt::format(" Ns = Ns Ar {}", argument_macro_of(option));
    }
    return item + '\n';
}

std::string choices_line(const lib::OptionRow& option) {
    if (option.choices.empty()) return {};
    std::string words;
    for (auto rest = option.choices; !rest.empty();) {
        const auto end = rest.find('|');
        const auto word = rest.substr(0, end);
        if (!word.empty()) words += fmt::format("{}{}", words.empty() ? "" : ", ", word);
        rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    }
    return fmt::format("One of: {}.\n", escaped(words));
}

std::string default_line(const lib::OptionRow& option) {
    if (option.initial.empty()) return {};
    return fmt::format("Default: {}.\n", escaped(option.initial));
}

std::string plain_line(const lib::OptionRow& option) {
    switch (option.plain_unit) {
        case 0:
            return {};
        case 1:
            return "A plain number counts bytes.\n";
        case 1024:
            return "A plain number counts KiB.\n";
        case 1000:
            return "A plain number counts seconds.\n";
        default:
            return "A plain number counts MiB.\n";
    }
}

bool has_flag(const lib::OptionRow& option) noexcept {
    return option.letter != 0 || !option.flag.empty() || !option.word.empty();
}

// Calls `print` for the rows of each section that are wanted, in a list below its title.
template <class IsWanted, class Title, class Print>
std::string listed(const OptionTable& table, IsWanted is_wanted, Title title, Print print) {
    std::string text;
    for (const auto& section : table.sections()) {
        std::string items;
        for (const auto& option : table.rows()) {
            const bool is_here = option.section == section.name;
            if (is_here && option.use == lib::OptionUse::effective && is_wanted(option))
                items += print(option);
        }
        if (items.empty()) continue;
        text += fmt::format(".Ss {}\n.Bl -tag -width Ds\n{}.El\n", title(section), items);
    }
    return text;
}

}  // namespace

std::string manual_of_flags(const OptionTable& table) {
    return listed(
        table, has_flag, [](const OptionSection& section) { return std::string(section.title); },
        [](const lib::OptionRow& option) {
            const auto help = option.flag_help.empty() ? option.help : option.flag_help;
            const auto initial = option.bare ? std::string() : default_line(option);
            return item_of_flag(option) + sentences(help) + choices_line(option) +
                   plain_line(option) + initial;
        });
}

std::string manual_of_keys(const OptionTable& table) {
    return listed(
        table, [](const lib::OptionRow& option) { return !option.section.empty(); },
        [](const OptionSection& section) {
            return fmt::format("[{}] {}", section.name, section.title);
        },
        [](const lib::OptionRow& option) {
            auto text = fmt::format(".It Cm {} No = Ar {}\n", literal(option.key),
                                    argument_macro_of(option)) +
                        sentences(option.help) + choices_line(option) + default_line(option);
            if (!option.reloaded_by.empty()) text += "Read again on SIGHUP.\n";
            return text;
        });
}

}  // namespace twincached::app
