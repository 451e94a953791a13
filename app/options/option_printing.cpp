#include "app/options/option_printing.hpp"

#include "app/options/config_file.hpp"
#include "app/options/option_table.hpp"
#include "app/options/option_value.hpp"

#include <fmt/format.h>

#include <string_view>

namespace twincached::app {
namespace {

constexpr std::string_view words_section = "memcached";

std::string flag_names(const Option& option) {
    std::string names;
    if (option.letter != 0) names += fmt::format("-{}", option.letter);
    if (!option.flag.empty())
        names += fmt::format("{}--{}", names.empty() ? "    " : ", ", option.flag);
    if (names.empty() && option.word.empty()) {
        return fmt::format("    {}: in the file only, section [{}]", option.key, option.section);
    }
    if (names.empty()) names = fmt::format("-o {}", option.word);
    if (!option.bare) names += option.flag.empty() ? " <value>" : "=<value>";
    return names;
}

// The help's lines, each after `indent`.
std::string help_lines(const Option& option, std::string_view indent) {
    std::string text;
    for (auto rest = option.help; !rest.empty();) {
        const auto end = rest.find('\n');
        text += fmt::format("{}{}\n", indent, rest.substr(0, end));
        rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    }
    return text;
}

bool is_in_file(const Option& option) noexcept {
    return !option.section.empty() && option.use != Use::hidden;
}

std::string faces_remark(const Option& option) {
    std::string faces;
    const auto add = [&](const std::string& face) {
        if (!faces.empty()) faces += ", ";
        faces += face;
    };
    if (option.letter != 0) add(fmt::format("-{}", option.letter));
    if (!option.flag.empty()) add(fmt::format("--{}", option.flag));
    if (!option.word.empty()) add(fmt::format("-o {}", option.word));
    if (option.reloadable) add("reloaded on SIGHUP");
    return faces.empty() ? faces : fmt::format("# ({})\n", faces);
}

// Calls `begin(section)` before the first option of each section, `print(option)` for each.
template <class Begin, class Print>
void for_each_in_file(Begin begin, Print print) {
    std::string_view section;
    for (const auto& option : option_table()) {
        if (!is_in_file(option)) continue;
        if (option.section != section) {
            section = option.section;
            begin(section);
        }
        print(option);
    }
}

}  // namespace

std::string help_text() {
    std::string text = "twincached " TWINCACHED_VERSION
                       " (memcached 1.6.45 compatible)\n"
                       "usage: twincached [options]\n\n";
    for (const auto& option : option_table()) {
        if (option.use != Use::effective) continue;
        text += fmt::format("{}\n{}", flag_names(option), help_lines(option, "        "));
    }
    text +=
        "-X <port> or -X <listen:connect>\n"
        "        repcached's replication port: sets listen and peer-port of [replication].\n"
        "Sizes are written 512k, 64m, 2g; durations 200ms, 3s, 5m, 24h.\n"
        "Words of memcached's -o that mean nothing here are accepted and logged.\n";
    return text;
}

std::string config_text(const Options& options) {
    std::string text;
    for_each_in_file(
        [&](std::string_view section) {
            text += fmt::format("{}[{}]\n", text.empty() ? "" : "\n", section);
        },
        [&](const Option& option) {
            auto value = value_text(option, options);
            if (option.secret && !value.empty()) value = "********";
            text += fmt::format("{} = {}\n", option.key, quoted_if_needed(value));
        });
    return text;
}

std::string default_config_text() {
    std::string text =
        "# twincached: every option. What is commented out shows its default.\n"
        "# The command line is stronger than this file. Check it with\n"
        "#     twincached --config FILE --check-config\n"
        "# Sizes are written 512k, 64m, 2g; durations 200ms, 3s, 5m, 24h.\n"
        "# A comment begins at the start of a line or after a blank; quote values that hold '#'.\n";
    for_each_in_file(
        [&](std::string_view section) {
            text += fmt::format("\n[{}]\n", section);
            if (section != words_section) return;
            text +=
                "# Words of memcached's -o. They name what this server does not have, are "
                "accepted\n"
                "# so that command lines go on working, and are shown by `stats settings`.\n";
        },
        [&](const Option& option) {
            if (option.section != words_section) {
                text += '\n' + help_lines(option, "# ") + faces_remark(option);
            }
            const bool is_commented = option.shipped.empty();
            const auto value = is_commented ? option.initial : option.shipped;
            text += fmt::format("{}{} ={}{}\n", is_commented ? "#" : "", option.key,
                                value.empty() ? "" : " ", quoted_if_needed(value));
        });
    return text;
}

}  // namespace twincached::app
