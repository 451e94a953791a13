#include "app/options/option_printing.hpp"

#include "app/options/config_file.hpp"
#include "app/options/option_table.hpp"
#include "lib/option_value.hpp"

#include <fmt/format.h>

#include <string_view>

namespace twincached::app {
namespace {

constexpr std::string_view words_section = "memcached";

// What stands for the argument.
std::string_view argument_of(const lib::OptionRow& option) noexcept {
    if (option.path) return "<file>";
    if (!option.choices.empty() && !option.choices.starts_with('|')) return option.choices;
    switch (option.fills.kind) {
        case lib::OptionKind::number:
        case lib::OptionKind::decimal:
            return "<number>";
        case lib::OptionKind::bytes:
            return "<size>";
        case lib::OptionKind::duration:
            return "<duration>";
        case lib::OptionKind::list:
            return "<list>";
        case lib::OptionKind::flag:
        case lib::OptionKind::text:
        case lib::OptionKind::choice:
            return "<value>";
    }
    return "<value>";
}

// Columns line up: a row without a letter is indented by its width.
std::string flag_names(const lib::OptionRow& option) {
    std::string names;
    if (option.letter != 0) names += fmt::format("-{}", option.letter);
    if (!option.flag.empty())
        names += fmt::format("{}--{}", names.empty() ? "    " : ", ", option.flag);
    if (names.empty() && option.word.empty()) {
        return fmt::format("    {}: in the file only, section [{}]", option.key, option.section);
    }
    const bool is_word = names.empty();
    if (is_word) names = fmt::format("    -o {}", option.word);
    if (option.bare) return names;
    const bool is_short = option.flag.empty() && !is_word;
    return names + (is_short ? " " : "=") + std::string(argument_of(option));
}

// Flags without argument show none: who does not write them has not what they do.
std::string default_remark(const lib::OptionRow& option) {
    const bool is_bare_word = option.flag.empty() && option.bare;
    if (option.initial.empty() || (option.bare && !is_bare_word)) return {};
    return fmt::format(" (default: {})", option.initial);
}

// The lines, each after `indent`.
std::string indented(std::string_view lines, std::string_view indent) {
    std::string text;
    for (auto rest = lines; !rest.empty();) {
        const auto end = rest.find('\n');
        text += fmt::format("{}{}\n", indent, rest.substr(0, end));
        rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    }
    return text;
}

bool is_in_file(const lib::OptionRow& option) noexcept {
    return !option.section.empty() && option.use != lib::OptionUse::hidden;
}

// What a number without a unit counts, where it may stand.
std::string_view plain_counts(const lib::OptionRow& option) noexcept {
    switch (option.plain_unit) {
        case 0:
            return {};
        case 1:
            return "bytes";
        case 1024:
            return "KiB";
        case 1000:
            return "seconds";
        default:
            return "MiB";
    }
}

std::string faces_remark(const lib::OptionRow& option) {
    std::string faces;
    const auto add = [&](const std::string& face) {
        if (!faces.empty()) faces += ", ";
        faces += face;
    };
    if (option.letter != 0) add(fmt::format("-{}", option.letter));
    if (!option.flag.empty()) add(fmt::format("--{}", option.flag));
    if (!option.word.empty()) add(fmt::format("-o {}", option.word));
    if (option.plain_unit != 0)
        faces += fmt::format(": a plain number counts {} there", plain_counts(option));
    if (!option.reloaded_by.empty()) add("reloaded on SIGHUP");
    return faces.empty() ? faces : fmt::format("# ({})\n", faces);
}

// Calls `begin(section)` before the first option of each section, `print(option)` for each.
template <class Begin, class Print>
void for_each_in_file(const OptionTable& table, Begin begin, Print print) {
    std::string_view section;
    for (const auto& option : table.rows()) {
        if (!is_in_file(option)) continue;
        if (option.section != section) {
            section = option.section;
            begin(section);
        }
        print(option);
    }
}

// Every option in effect; `explain` gives the comment behind its value, or nothing.
template <class Explain>
std::string text_of(const Options& options, Explain explain) {
    std::string text;
    for_each_in_file(
        options.table(),
        [&](std::string_view section) {
            text += fmt::format("{}[{}]\n", text.empty() ? "" : "\n", section);
        },
        [&](const lib::OptionRow& option) {
            auto value = lib::value_text(option, options.structs());
            if (option.secret && !value.empty()) value = masked;
            const auto line = fmt::format("{} = {}", option.key, quoted_if_needed(value));
            const auto comment = explain(option);
            text += comment.empty() ? line + '\n' : fmt::format("{:<39} # {}\n", line, comment);
        });
    return text;
}

}  // namespace

std::string help_text(const OptionTable& table) {
    std::string text = "twincached " TWINCACHED_VERSION
                       " (memcached 1.6.45 compatible)\n"
                       "usage: twincached [options]\n";
    for (const auto& section : table.sections()) {
        const auto place = section.name.empty() ? "" : fmt::format(" [{}]", section.name);
        text += fmt::format("\n{}{}\n", section.title, place);
        for (const auto& option : table.rows()) {
            if (option.section != section.name || option.use != lib::OptionUse::effective) continue;
            const auto help = option.flag_help.empty() ? option.help : option.flag_help;
            text += fmt::format("{}{}\n{}", flag_names(option), default_remark(option),
                                indented(help, "        "));
            if (option.plain_unit != 0)
                text += fmt::format("        A plain number counts {}.\n", plain_counts(option));
        }
    }
    text += '\n';
    text += table.homonym().help;
    text +=
        "Names in brackets are the sections of the file that --config reads.\n"
        "Sizes are written 100b, 512k, 64m, 2g; durations 200ms, 3s, 5m, 24h, 2d. A number needs "
        "its\n"
        "unit, but for 0, and for memcached's own flags where it is said what they count.\n"
        "The name of a file may begin with %d/: a credential of the unit (LoadCredential=).\n"
        "Words of memcached's -o that mean nothing here are accepted and logged.\n";
    return text;
}

std::string config_text(const Options& options) {
    return text_of(options, [](const lib::OptionRow&) { return std::string(); });
}

std::string explained_config_text(const OptionReader& reader) {
    const auto& options = reader.options();
    return text_of(options, [&](const lib::OptionRow& option) -> std::string {
        const auto origin = reader.origin_of(option.section, option.key);
        if (origin.source == Source::command_line) return "command line";
        if (origin.source == Source::file) return origin.place;
        const bool is_default = lib::value_text(option, options.structs()) ==
                                lib::value_text(option, reader.table().defaults());
        return is_default ? "default" : "follows from others";
    });
}

std::string default_config_text(const OptionTable& table) {
    std::string text =
        "# twincached: every option. What is commented out shows its default.\n"
        "# The command line is stronger than this file. Check it with\n"
        "#     twincached --config FILE --check-config\n"
        "# Sizes are written 100b, 512k, 64m, 2g; durations 200ms, 3s, 5m, 24h, 2d. A number "
        "needs\n"
        "# its unit, but for 0.\n"
        "# The name of a file may begin with %d/: a credential of the unit (LoadCredential=).\n"
        "# A comment begins at the start of a line or after a blank; quote values that hold '#'.\n";
    for_each_in_file(
        table,
        [&](std::string_view section) {
            text += fmt::format("\n[{}]\n", section);
            if (section != words_section) return;
            text +=
                "# Words of memcached's -o. They name what this server does not have, are "
                "accepted\n"
                "# so that command lines go on working, and are shown by `stats settings`.\n";
        },
        [&](const lib::OptionRow& option) {
            if (option.section != words_section) {
                text += '\n' + indented(option.help, "# ") + faces_remark(option);
            }
            const bool is_commented = option.shipped.empty();
            const auto value = is_commented ? option.initial : option.shipped;
            text += fmt::format("{}{} ={}{}\n", is_commented ? "#" : "", option.key,
                                value.empty() ? "" : " ", quoted_if_needed(value));
        });
    return text;
}

}  // namespace twincached::app
