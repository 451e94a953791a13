// What is said of options in several places is the same everywhere: the rows, the shipped file,
// --help, the manual pages, the completion, `stats settings`.
#include "app/options/manual_printing.hpp"
#include "app/options/option_printing.hpp"
#include "app/reports/settings_report.hpp"
#include "app/server_options.hpp"
#include "app/twinctl/arguments.hpp"
#include "lib/option_value.hpp"
#include "test/tidy/source_tree.hpp"

#include <catch2/catch.hpp>

#include <cctype>
#include <map>
#include <set>
#include <string>
#include <string_view>

namespace twincached::tidy {
namespace {

// As a line, or as the end of one.
bool has_line(const std::string& text, const std::string& line) {
    return text.find(line + '\n') != std::string::npos;
}

// Every "--word" of a text, without the dashes.
std::set<std::string> long_options(const std::string& text) {
    std::set<std::string> options;
    for (auto at = text.find("--"); at != std::string::npos; at = text.find("--", at)) {
        at += 2;
        auto end = at;
        while (end < text.size() &&
               (std::isalnum(static_cast<unsigned char>(text[end])) != 0 || text[end] == '-')) {
            ++end;
        }
        if (end > at) options.insert(text.substr(at, end - at));
    }
    return options;
}

// The line of the completion that offers options, and every other one.
std::string completion(bool of_options) {
    const auto text = content_of("conf/twinctl.bash");
    const auto begin = text.find("local options='");
    const auto end = text.find('\n', begin);
    return of_options ? text.substr(begin, end - begin) : text.substr(0, begin) + text.substr(end);
}

}  // namespace

TEST_CASE("every option is in the help, the manual pages and the shipped file, with its default") {
    const auto& table = app::server_option_table();
    const auto help = app::help_text(table);
    const auto flags = app::manual_of_flags(table);
    const auto keys = app::manual_of_keys(table);
    const auto shipped = content_of("conf/twincached.conf");
    std::size_t seen = 0;
    for (const auto& row : table.rows()) {
        if (row.use != lib::OptionUse::effective) continue;
        ++seen;
        INFO(row.section << '.' << row.key);
        const std::string flag(row.flag);
        const std::string key(row.key);
        if (!flag.empty()) {
            CHECK(help.find("--" + flag) != std::string::npos);
            CHECK(flags.find("Fl -" + flag) != std::string::npos);
        } else if (row.letter != 0) {
            CHECK(help.find(std::string("-") + row.letter) != std::string::npos);
            CHECK(flags.find(std::string(".It Fl ") + row.letter) != std::string::npos);
        } else if (!row.word.empty()) {
            CHECK(help.find("-o " + std::string(row.word)) != std::string::npos);
            CHECK(flags.find("Fl o Cm " + std::string(row.word)) != std::string::npos);
        }
        if (row.section.empty()) continue;
        CHECK(keys.find(".It Cm " + key + " No = ") != std::string::npos);
        CHECK(shipped.find(key + " =") != std::string::npos);
    }
    CHECK(seen > 80);
}

TEST_CASE("the manual page of the file says what SIGHUP puts in force") {
    const auto& table = app::server_option_table();
    const auto keys = app::manual_of_keys(table);
    std::size_t reloaded = 0;
    for (const auto& row : table.rows())
        if (!row.reloaded_by.empty()) ++reloaded;
    std::size_t said = 0;
    constexpr std::string_view words = "Read again on SIGHUP.\n";
    for (auto at = keys.find(words); at != std::string::npos; at = keys.find(words, at + 1))
        ++said;
    CHECK(said == reloaded);
}

TEST_CASE("no line of a manual page is long, or taken for a macro that it is not") {
    const auto& table = app::server_option_table();
    for (const auto& text : {app::manual_of_flags(table), app::manual_of_keys(table)}) {
        for (std::size_t begin = 0; begin < text.size(); begin = text.find('\n', begin) + 1) {
            const auto line = text.substr(begin, text.find('\n', begin) - begin);
            INFO(line);
            CHECK_FALSE(line.empty());
            if (line.front() != '.') {
                CHECK(line.size() <= 80);
                continue;
            }
            const auto macro = line.substr(1, line.find(' ') - 1);
            CHECK(std::set<std::string>{"Ss", "Bl", "It", "El"}.contains(macro));
        }
    }
}

TEST_CASE("`stats settings` tells every option of the file by its row, with the row's default") {
    const auto& table = app::server_option_table();
    const app::Options options(table);
    std::map<std::string, std::string> told;
    std::size_t lines = 0;
    app::report_settings(options, {}, [&](std::string_view key, std::string_view value) {
        INFO(key);
        CHECK_FALSE(key.empty());
        CHECK(key.find_first_of(" :") == std::string_view::npos);
        told.insert_or_assign(std::string(key), std::string(value));
        ++lines;
    });
    CHECK(told.size() == lines);
    std::set<unsigned> places;
    std::size_t own = 0;
    for (const auto& row : table.rows()) {
        INFO(row.section << '.' << row.key);
        const auto name = app::setting_name(row);
        if (row.setting.place != 0) {
            CHECK(places.insert(row.setting.place).second);
            CHECK(told.contains(name));
            continue;
        }
        if (row.section.empty() || row.use != lib::OptionUse::effective) continue;
        ++own;
        auto value = lib::value_text(row, options.structs());
        if (row.fills.kind == lib::OptionKind::list) std::erase(value, ' ');
        CHECK(told[name] == (value.empty() ? "NULL" : value));
    }
    CHECK(own > 40);
}

TEST_CASE("bash completes what twinctl takes, and nothing else") {
    CHECK(long_options(completion(true)) == long_options(app::usage()));
    // What takes an argument, and is not completed as a command, is an option, too.
    for (const auto& option : long_options(completion(false))) {
        INFO(option);
        CHECK(long_options(app::usage()).contains(option));
    }
}

TEST_CASE("the manual pages are made of what the programs say, and installed") {
    const auto build = content_of("conf/CMakeLists.txt");
    for (const std::string page : {"twincached.8", "twincached.conf.5", "twinctl.1"}) {
        INFO(page);
        CHECK(has_line(content_of("conf/man/" + page + ".in"), "@OPTIONS@"));
        CHECK(build.find("add_manual(" + page) != std::string::npos);
    }
}

}  // namespace twincached::tidy
