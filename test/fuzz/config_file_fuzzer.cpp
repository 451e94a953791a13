// Reads arbitrary bytes as a configuration file. What is wrong with it is said, with the line that
// is to blame and in text that a terminal survives; what is right means the same when it is printed
// as --print-config prints it and read again.
#include "app/options/config_file.hpp"
#include "app/options/option_printing.hpp"
#include "app/options/option_reader.hpp"
#include "app/server_options.hpp"
#include "lib/option_value.hpp"
#include "test/fuzz/demand.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

using namespace twincached::app;
using twincached::lib::value_text;

namespace {

constexpr auto name = "fuzz.conf";

OptionReader read(std::string_view content) {
    OptionReader reader(server_option_table());
    reader.read_content(content, name);
    reader.finish();
    return reader;
}

void check_problem(const std::string& message, std::size_t lines) {
    const bool is_text = std::all_of(message.begin(), message.end(), [](char c) {
        return (static_cast<unsigned char>(c) >= ' ' && c != '\x7F') || c == '\n';
    });
    demand(is_text, "a complaint is text", message);
    if (!message.starts_with(name)) return;  // of options that were not set, but follow from others
    const auto line =
        std::strtoul(message.c_str() + std::string_view(name).size() + 1, nullptr, 10);
    demand(line >= 1 && line <= lines, "a complaint names a line of the file", message);
}

void check_same(const Options& before, const Options& after) {
    for (const auto& row : before.rows()) {
        if (row.section.empty() || row.secret || row.use == twincached::lib::OptionUse::hidden) {
            continue;
        }
        demand(value_text(row, before.structs()) == value_text(row, after.structs()),
               "what is printed is read as the same", row.key);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view content(reinterpret_cast<const char*>(data), size);
    const auto lines =
        static_cast<std::size_t>(std::count(content.begin(), content.end(), '\n')) + 1;
    const auto reader = read(content);
    for (const auto& problem : reader.problems())
        check_problem(problem.message, lines);
    if (!reader.problems().empty()) return 0;
    const auto printed = config_text(reader.options());
    const auto again = read(printed);
    for (const auto& problem : again.problems())
        demand(false, "what is printed can be read", problem.message);
    check_same(reader.options(), again.options());
    demand(config_text(again.options()) == printed, "what is printed is printed again");
    return 0;
}
