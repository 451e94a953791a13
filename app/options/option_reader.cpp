#include "app/options/option_reader.hpp"

#include "app/options/config_file.hpp"
#include "app/options/option_checks.hpp"
#include "app/options/option_value.hpp"
#include "app/options/suggestion.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace twincached::app {
namespace {

// "-L", "--idle-timeout" or "-o slab_automove", as somebody may have written it.
std::string written_name(const Option& option) {
    if (option.letter != 0) return fmt::format("-{}", option.letter);
    if (!option.flag.empty()) return fmt::format("--{}", option.flag);
    return fmt::format("-o {}", option.word);
}

std::string unknown_key(const FileEntry& entry) {
    std::vector<std::string_view> sections;
    std::vector<std::string_view> keys;
    const Option* elsewhere = nullptr;
    for (const auto& option : option_table()) {
        if (option.section.empty() || option.use == Use::hidden) continue;
        if (std::find(sections.begin(), sections.end(), option.section) == sections.end()) {
            sections.push_back(option.section);
        }
        if (option.section == entry.section) keys.push_back(option.key);
        if (option.key == entry.key) elsewhere = &option;
    }
    if (std::find(sections.begin(), sections.end(), entry.section) == sections.end()) {
        return fmt::format("unknown section [{}]{}", entry.section,
                           suggestion(entry.section, sections));
    }
    if (elsewhere != nullptr) {
        return fmt::format("'{}' belongs in [{}], not in [{}]", entry.key, elsewhere->section,
                           entry.section);
    }
    return fmt::format("unknown option '{}' in [{}]{}", entry.key, entry.section,
                       suggestion(entry.key, keys));
}

}  // namespace

OptionReader::OptionReader(std::string directory)
    : directory_(std::move(directory)), options_(default_options()) {}

void OptionReader::complain(const Origin& origin, std::string message, int exit_code) {
    if (!origin.place.empty()) message = origin.place + ": " + message;
    problems_.push_back({std::move(message), exit_code});
}

void OptionReader::read_file(const std::string& path) {
    std::ifstream file(std::filesystem::path(directory_) / path, std::ios::binary);
    std::ostringstream content;
    if (file) content << file.rdbuf();
    if (!file || (content.fail() && file.peek() != std::ifstream::traits_type::eof())) {
        const auto* reason = errno == 0 ? "not readable" : std::strerror(errno);
        return complain({Source::file, path}, reason);
    }
    read_content(content.view(), path);
}

void OptionReader::read_content(std::string_view content, const std::string& name) {
    const auto tokens = tokenize(content);
    const auto origin_at = [&](unsigned line) {
        return Origin{Source::file, fmt::format("{}:{}", name, line)};
    };
    for (const auto& problem : tokens.problems)
        complain(origin_at(problem.line), problem.message);
    for (const auto& entry : tokens.entries) {
        const auto* option = option_of_key(entry.section, entry.key);
        if (option == nullptr) {
            complain(origin_at(entry.line), unknown_key(entry));
        } else {
            set(*option, entry.value, origin_at(entry.line));
        }
    }
    // Problems in the order of the file, whoever found them.
    std::stable_sort(problems_.begin(), problems_.end(), [&](const auto& a, const auto& b) {
        const auto line = [&](const Problem& problem) {
            const bool ours = problem.message.starts_with(name + ':');
            return ours ? std::strtoul(problem.message.c_str() + name.size() + 1, nullptr, 10) : 0;
        };
        return line(a) < line(b);
    });
}

void OptionReader::set(const Option& option, std::optional<std::string_view> value,
                       const Origin& origin) {
    const auto earlier = origins_.find(&option);
    const bool is_first = earlier == origins_.end() || earlier->second.source != origin.source;
    const auto* list = std::get_if<std::vector<std::string> Options::*>(&option.target);
    if (list != nullptr && is_first) (options_.*(*list)).clear();
    if (list == nullptr && !is_first && origin.source == Source::file) {
        return complain(origin, fmt::format("'{}' is set again, first at {}", option.key,
                                            earlier->second.place));
    }
    const auto stored = value ? assign(option, *value, options_) : assign_bare(option, options_);
    if (stored.has_error()) return complain(origin, stored.error(), option.exit_code);
    if (is_first) origins_.insert_or_assign(&option, origin);
    if (is_first) remark_on(option, value.value_or(""));
}

void OptionReader::remark_on(const Option& option, std::string_view written) {
    const bool is_default = written == option.initial;
    if (option.use == Use::meaningless) {
        remarks_.push_back(
            fmt::format("{} is accepted and ignored: {}", written_name(option), option.help));
    }
    if (option.use == Use::missing && !is_default) {
        remarks_.push_back(
            fmt::format("{} has no effect: not built in ({})", written_name(option), option.help));
    }
}

void OptionReader::set_words(std::string_view list, const Origin& origin) {
    while (!list.empty()) {
        const auto comma = list.find(',');
        set_word(list.substr(0, comma), origin);
        list.remove_prefix(comma == std::string_view::npos ? list.size() : comma + 1);
    }
}

void OptionReader::set_word(std::string_view written, const Origin& origin) {
    const auto equals = written.find('=');
    const auto name = written.substr(0, equals);
    const bool has_value = equals != std::string_view::npos;
    if (const auto* option = option_of_word(name)) {
        if (has_value) return set(*option, written.substr(equals + 1), origin);
        if (option->bare) return set(*option, std::nullopt, origin);
        return complain(origin, fmt::format("Missing numeric argument for {}", name));
    }
    const auto* negated = name.starts_with("no_") ? option_of_word(name.substr(3)) : nullptr;
    if (negated != nullptr && negated->bare && !has_value) {
        const auto* shape = std::get_if<Shape>(&negated->target);
        if (shape != nullptr && *shape == Shape::number) return set(*negated, "0", origin);
        return set(*negated, negated->bare_value ? "no" : "yes", origin);
    }
    complain(origin, fmt::format("Illegal suboption \"{}\"", written));
}

bool OptionReader::is_set(std::string_view section, std::string_view key) const noexcept {
    const auto* option = option_of_key(section, key);
    return option != nullptr && origins_.contains(option);
}

Origin OptionReader::origin_of(std::string_view section, std::string_view key) const {
    const auto found = origins_.find(option_of_key(section, key));
    return found == origins_.end() ? Origin{} : found->second;
}

void OptionReader::finish() {
    // A UDP port alone moves TCP with it (memcached 1.6).
    if (options_.udp_port != 0 && is_set("network", "udp-port") && !is_set("network", "port")) {
        options_.port = options_.udp_port;
    }
    if (options_.tls && options_.udp_port != 0) {
        remarks_.emplace_back("UDP (-U) is not encrypted, whatever -Z says");
    }
    if (options_.threads > 64) {
        remarks_.emplace_back(
            "WARNING: Setting a high number of workerthreads is not recommended. "
            "Set this value to the number of cores in your machine or less.");
    }
    if (options_.driver == "auto") options_.driver = options_.peer.empty() ? "none" : "pair";
    // Where only one protocol asks who its clients are, the other is closed.
    if (options_.sasl != !options_.auth_file.empty() && options_.protocol == "auto") {
        options_.protocol = options_.sasl ? "binary" : "ascii";
    }
    check_together(*this);
}

}  // namespace twincached::app
