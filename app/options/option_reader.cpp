#include "app/options/option_reader.hpp"

#include "app/options/config_file.hpp"
#include "app/options/memcached_words.hpp"
#include "app/options/suggestion.hpp"
#include "lib/input/text_file.hpp"
#include "lib/option_value.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <utility>

namespace twincached::app {
namespace {

// The end of a line is none: memcached's own words have some.
bool is_control(char c) noexcept {
    return (static_cast<unsigned char>(c) < ' ' && c != '\n') || c == '\x7F';
}

// In this order: the section is wrong, the key is another section's, the key is misspelt.
std::string unknown_key(const OptionTable& table, const FileEntry& entry) {
    std::vector<std::string_view> sections;
    std::vector<std::string_view> keys;
    const lib::OptionRow* elsewhere = nullptr;
    for (const auto& option : table.rows()) {
        if (option.section.empty() || option.use == lib::OptionUse::hidden) continue;
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

// "%d/name" is a credential: a file that the service manager has read for us (LoadCredential=), in
// the folder that it has made for this run, and that its own units write so.
constexpr std::string_view credential_mark = "%d/";
constexpr auto credential_variable = "CREDENTIALS_DIRECTORY";

lib::Parsed<std::string> credential_path(std::string_view written) {
    const auto* folder = std::getenv(credential_variable);
    if (folder == nullptr || *folder == '\0') {
        return lib::Parsed<std::string>(
            boost::system::in_place_error,
            fmt::format("'{}' is a credential, and there are none: the environment variable {} is "
                        "not set (LoadCredential= in the unit sets it)",
                        written, credential_variable));
    }
    const auto name = written.substr(credential_mark.size());
    return lib::Parsed<std::string>(boost::system::in_place_value,
                                    (std::filesystem::path(folder) / name).string());
}

}  // namespace

std::string written_name(const lib::OptionRow& option) {
    if (option.letter != 0) return fmt::format("-{}", option.letter);
    if (!option.flag.empty()) return fmt::format("--{}", option.flag);
    return fmt::format("-o {}", option.word);
}

OptionReader::OptionReader(const OptionTable& table, std::string directory)
    : directory_(std::move(directory)), options_(table) {}

// What was written is shown, and may be anything: a terminal and the log get it as text. Lines end
// where memcached's own words do.
void OptionReader::complain(const Origin& origin, std::string message) {
    if (!origin.place.empty()) message = origin.place + ": " + message;
    std::replace_if(message.begin(), message.end(), is_control, '?');
    problems_.push_back({std::move(message)});
}

std::string_view Origin::file() const noexcept {
    return std::string_view(place).substr(0, place.rfind(':'));
}

// A path is meant from the folder in which the process was started. What cannot be read is a
// problem, never an empty file.
std::optional<std::string> OptionReader::content_of(const std::string& path, const Origin& asked) {
    auto content = lib::read_text_file((std::filesystem::path(directory_) / path).string());
    if (!content.has_error()) return std::move(*content);
    const bool is_included = asked.place != path;
    complain(asked, is_included ? fmt::format("{}: {}", path, content.error()) : content.error());
    return std::nullopt;
}

// Includes are one level deep: so they have no circle, and an operator finds every value in two
// steps.
void OptionReader::read_file(const std::string& path) {
    const auto content = content_of(path, {Source::file, path});
    if (!content) return;
    for (const auto& include : take_content(*content, path)) {
        for (const auto& file : files_of(include)) {
            const auto included = content_of(file, include.origin);
            if (!included) continue;
            for (const auto& inner : take_content(*included, file))
                complain(inner.origin, "what is included includes nothing itself");
        }
    }
}

void OptionReader::read_content(std::string_view content, const std::string& name) {
    for (const auto& include : take_content(content, name))
        complain(include.origin, "only a file may include another");
}

// One file, or those of a folder that are called *.conf, in the order of their names.
std::vector<std::string> OptionReader::files_of(const Include& include) {
    namespace fs = std::filesystem;
    const auto path = fs::path(include.origin.file()).parent_path() / include.path;
    std::error_code error;
    if (!fs::is_directory(directory_ / path, error)) return {path.string()};
    std::vector<std::string> files;
    for (fs::directory_iterator entry(directory_ / path, error), end; !error && entry != end;
         entry.increment(error)) {
        const auto name = entry->path().filename();
        if (name.extension() == ".conf") files.push_back((path / name).string());
    }
    if (error) complain(include.origin, fmt::format("{}: {}", path.string(), error.message()));
    std::sort(files.begin(), files.end());
    return files;
}

// Returns what it wants included.
std::vector<OptionReader::Include> OptionReader::take_content(std::string_view content,
                                                              const std::string& name) {
    std::vector<Include> includes;
    const auto tokens = tokenize(content);
    const auto origin_at = [&](unsigned line) {
        return Origin{Source::file, fmt::format("{}:{}", name, line)};
    };
    for (const auto& problem : tokens.problems)
        complain(origin_at(problem.line), problem.message);
    for (const auto& entry : tokens.entries) {
        const auto* option = table().of_key(entry.section, entry.key);
        if (entry.section.empty()) {
            includes.push_back({entry.value, origin_at(entry.line)});
        } else if (option == nullptr && entry.key == include_key) {
            complain(origin_at(entry.line), "include stands before the first [section]");
        } else if (option == nullptr) {
            complain(origin_at(entry.line), unknown_key(table(), entry));
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
    return includes;
}

// A later source is stronger: defaults, files, the command line. Within one file a key stands once,
// but for lists, which grow there and are begun anew by the next source.
void OptionReader::set(const lib::OptionRow& option, std::optional<std::string_view> value,
                       const Origin& origin) {
    const auto earlier = origins_.find(&option);
    const bool is_first = earlier == origins_.end() || earlier->second.source != origin.source ||
                          earlier->second.file() != origin.file();
    const bool is_list = option.fills.kind == lib::OptionKind::list;
    if (is_list && is_first) lib::clear_list(option, options_.structs());
    if (!is_list && !is_first && origin.source == Source::file) {
        return complain(origin, fmt::format("'{}' is set again, first at {}", option.key,
                                            earlier->second.place));
    }
    if (option.once && !is_first) {
        return complain(origin, fmt::format("{} is given twice, the second time with '{}': it "
                                            "takes one value",
                                            written_name(option), value.value_or("")));
    }
    std::string credential;
    if (option.path && value && value->starts_with(credential_mark)) {
        auto path = credential_path(*value);
        if (path.has_error())
            return complain(origin, fmt::format("{}: {}", option.key, path.error()));
        credential = std::move(*path);
        value = credential;
    }
    const auto face = origin.source == Source::command_line ? lib::OptionFace::command_line
                                                            : lib::OptionFace::file;
    const auto stored = value ? lib::assign(option, *value, options_.structs(), face)
                              : lib::assign_bare(option, options_.structs());
    if (stored.has_error()) return complain(origin, stored.error());
    if (is_first && origin.source == Source::command_line && earlier != origins_.end())
        overruled_.insert(*earlier);
    if (is_first) origins_.insert_or_assign(&option, origin);
    if (is_first) remark_on(option, value.value_or(""), origin.source);
}

// Options of memcached's that mean nothing here are accepted, so that its command lines start this
// server, and are remarked on, so that nobody relies on them. A default in a file, where
// --print-config has put it, is nobody's wish.
void OptionReader::remark_on(const lib::OptionRow& option, std::string_view written,
                             Source source) {
    const bool is_default = written == option.initial;
    if (option.use == lib::OptionUse::meaningless && !(is_default && source == Source::file)) {
        remarks_.push_back(
            fmt::format("{} is accepted and ignored: {}", written_name(option), option.help));
    }
    if (option.use == lib::OptionUse::missing && !is_default) {
        remarks_.push_back(
            fmt::format("{} has no effect: not built in ({})", written_name(option), option.help));
    }
}

// The list behind -o: "word", "word=value" or "no_word", between commas.
void OptionReader::set_words(std::string_view list, const Origin& origin) {
    while (!list.empty()) {
        const auto comma = list.find(',');
        set_word(list.substr(0, comma), origin);
        list.remove_prefix(comma == std::string_view::npos ? list.size() : comma + 1);
    }
}

// The texts are memcached's own, since scripts look for them.
void OptionReader::set_word(std::string_view written, const Origin& origin) {
    const auto equals = written.find('=');
    const auto name = written.substr(0, equals);
    const bool has_value = equals != std::string_view::npos;
    for (const auto& implied : implied_by(written)) {
        const auto* option = table().of_word(implied.word);
        if (option != nullptr) (void)lib::assign(*option, implied.value, options_.structs());
    }
    if (const auto* option = table().of_word(name)) {
        if (has_value) return set(*option, written.substr(equals + 1), origin);
        if (option->bare) return set(*option, std::nullopt, origin);
        return complain(origin, fmt::format("Missing numeric argument for {}", name));
    }
    const auto* negated = name.starts_with("no_") ? table().of_word(name.substr(3)) : nullptr;
    if (negated != nullptr && negated->bare && !has_value) {
        if (negated->fills.kind == lib::OptionKind::number) return set(*negated, "0", origin);
        return set(*negated, negated->bare_value ? "no" : "yes", origin);
    }
    complain(origin, fmt::format("Illegal suboption \"{}\"", written));
}

bool OptionReader::is_set(std::string_view section, std::string_view key) const noexcept {
    const auto* option = table().of_key(section, key);
    return option != nullptr && origins_.contains(option);
}

Origin OptionReader::origin_of(std::string_view section, std::string_view key) const {
    const auto found = origins_.find(table().of_key(section, key));
    return found == origins_.end() ? Origin{} : found->second;
}

// For the operator who changes the file and wonders: what a flag of the unit or the init script
// overrules.
std::vector<std::string> OptionReader::overruled() const {
    std::vector<std::string> lines;
    for (const auto& [option, origin] : overruled_) {
        lines.push_back(fmt::format("{}: {} has no effect, the command line ({}) is stronger",
                                    origin.place, option->key, written_name(*option)));
    }
    std::sort(lines.begin(), lines.end());
    return lines;
}

void OptionReader::complain(const std::vector<lib::OptionProblem>& problems) {
    for (const auto& problem : problems) {
        complain(origin_of(problem.section, problem.key), problem.message);
    }
}

void OptionReader::finish() {
    table().settle(*this);
}

}  // namespace twincached::app
