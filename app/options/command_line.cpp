#include "app/options/command_line.hpp"

#include "app/options/suggestion.hpp"

#include <fmt/format.h>
#include <boost/program_options/errors.hpp>
#include <boost/program_options/options_description.hpp>
#include <boost/program_options/parsers.hpp>
#include <boost/program_options/value_semantic.hpp>

#include <algorithm>
#include <optional>

namespace twincached::app {
namespace {

namespace po = boost::program_options;

bool is_homonym(const OptionTable& table, const lib::OptionRow& option) noexcept {
    return option.letter != 0 && option.letter == table.homonym().letter;
}

// Owned by whoever describes the option with it.
const po::value_semantic* semantic_of(const OptionTable& table, const lib::OptionRow& option) {
    // An argument glued to a homonym is its own; one behind a blank is looked for below.
    if (is_homonym(table, option)) return po::value<std::string>()->implicit_value("");
    return new po::untyped_value(option.bare);
}

// Boost.Program_options' view of the table: names, and whether an argument follows.
po::options_description described_options(const OptionTable& table) {
    po::options_description description;
    for (const auto& option : table.rows()) {
        if (option.flag.empty() && option.letter == 0) continue;
        auto names = std::string(option.flag);
        if (option.letter != 0) names += fmt::format(",{}", option.letter);
        description.add_options()(names.c_str(), semantic_of(table, option));
    }
    return description;
}

const lib::OptionRow* option_of(const OptionTable& table, const po::option& parsed) noexcept {
    const std::string_view name = parsed.string_key;
    if (name.size() == 2 && name.front() == '-') return table.of_letter(name[1]);
    return table.of_flag(name);
}

// What a file calls so, or calls so with other words; nothing if it knows no such key.
std::string place_of_key(const OptionTable& table, std::string_view written) {
    for (const auto& option : table.rows()) {
        if (option.section.empty() || option.key != written) continue;
        if (option.use == lib::OptionUse::hidden) continue;
        const auto place = fmt::format("{} of [{}]", option.key, option.section);
        if (!option.flag.empty()) return fmt::format(" ({} is --{})", place, option.flag);
        if (option.letter != 0) return fmt::format(" ({} is -{})", place, option.letter);
        if (!option.word.empty()) return fmt::format(" ({} is -o {})", place, option.word);
        return fmt::format(" ({} stands in the file alone)", place);
    }
    return {};
}

std::string unknown_option(const OptionTable& table, std::string_view written) {
    std::string hint;
    if (written.starts_with("--")) {
        const auto name = written.substr(2, written.find('=') - 2);
        std::vector<std::string_view> flags;
        for (const auto& option : table.rows()) {
            const bool is_known = !option.flag.empty() && option.use != lib::OptionUse::hidden;
            if (is_known) flags.push_back(option.flag);
        }
        hint = place_of_key(table, name);
        if (hint.empty()) hint = suggestion(name, flags);
    }
    return fmt::format("unknown option '{}'{}; -h shows all", written, hint);
}

const std::string& written(const po::option& parsed) noexcept {
    return parsed.original_tokens.empty() ? parsed.string_key : parsed.original_tokens.front();
}

// "--name=" without anything behind it, which the parser refuses before it knows the name.
std::string without_value(const OptionTable& table, std::string name) {
    name.erase(0, std::min(name.find_first_not_of('-'), name.size()));
    if (table.of_flag(name) == nullptr) return unknown_option(table, "--" + name + "=");
    return fmt::format("'--{}=' lacks its value", name);
}

class CommandLine {
  public:
    CommandLine(std::vector<po::option> parsed, OptionReader& reader)
        : parsed_(std::move(parsed)), reader_(reader) {}

    void read() {
        for (const auto& option : parsed_) {
            if (option.unregistered) {
                has_unknown_ = true;
                reader_.complain(origin_, unknown_option(reader_.table(), written(option)));
            }
            const auto* known = option_of(reader_.table(), option);
            if (known != nullptr && known->key == "config" && !option.value.empty()) {
                reader_.read_file(option.value.front());
            }
        }
        while (next_ < parsed_.size())
            take(parsed_[next_++]);
    }

  private:
    void take(const po::option& parsed) {
        if (parsed.unregistered) return;
        const auto* option = option_of(reader_.table(), parsed);
        if (option == nullptr) return take_stray(parsed);
        if (is_homonym(reader_.table(), *option)) return take_homonym(*option, parsed);
        if (option->key == "extended") return reader_.set_words(parsed.value.front(), origin_);
        const auto has_value = !parsed.value.empty() && !option->bare;
        // An empty word ("-Y $UNSET") asks for nothing: it would let in who should log in, and
        // leave a node alone that should have a peer. Only where something is the default does it
        // mean: not that.
        if (has_value && parsed.value.front().empty() && option->initial.empty()) {
            return reader_.complain(origin_,
                                    fmt::format("{} lacks its value", written_name(*option)));
        }
        reader_.set(
            *option,
            has_value ? std::optional<std::string_view>(parsed.value.front()) : std::nullopt,
            origin_);
    }

    void take_stray(const po::option& parsed) {
        // What follows an unknown option may have been its argument.
        if (has_unknown_ || parsed.value.empty()) return;
        reader_.complain(origin_, fmt::format("unexpected argument '{}'", parsed.value.front()));
    }

    void take_homonym(const lib::OptionRow& option, const po::option& parsed) {
        const auto& homonym = reader_.table().homonym();
        const bool is_glued = !parsed.value.empty() && !parsed.value.front().empty();
        if (is_glued) {
            const auto& argument = parsed.value.front();
            if (homonym.take(argument, reader_)) return;
            return reader_.complain(origin_, fmt::format("-{} takes {}, not '{}'", homonym.letter,
                                                         homonym.expected, argument));
        }
        const bool has_follower = next_ < parsed_.size() && parsed_[next_].string_key.empty() &&
                                  !parsed_[next_].value.empty();
        if (has_follower && homonym.take(parsed_[next_].value.front(), reader_)) {
            ++next_;
        } else {
            reader_.set(option, std::nullopt, origin_);
        }
    }

    std::vector<po::option> parsed_;
    OptionReader& reader_;
    Origin origin_{Source::command_line, ""};
    std::size_t next_ = 0;
    bool has_unknown_ = false;
};

}  // namespace

void read_command_line(const std::vector<std::string>& arguments, OptionReader& reader) {
    const auto description = described_options(reader.table());
    try {
        auto parsed =
            po::command_line_parser(arguments)
                .options(description)
                .style(po::command_line_style::unix_style ^ po::command_line_style::allow_guessing)
                .allow_unregistered()
                .run();
        CommandLine(std::move(parsed.options), reader).read();
    } catch (const po::invalid_command_line_syntax& error) {
        const bool is_empty = error.kind() == po::invalid_syntax::empty_adjacent_parameter;
        reader.complain({}, is_empty ? without_value(reader.table(), error.get_option_name())
                                     : std::string(error.what()));
    } catch (const po::error& error) {
        reader.complain({}, error.what());
    }
    reader.finish();
}

}  // namespace twincached::app
