// The program: reads options, does what they ask. The only place that catches exceptions.
#include "app/command_line.hpp"
#include "app/option_printing.hpp"

#include <cstdio>
#include <exception>
#include <string>
#include <vector>

namespace twincached::app {
namespace {

bool is_asked(const Options& options, const char* what) {
    const auto found = options.reported.find(what);
    return found != options.reported.end() && found->second == "yes";
}

void print(const std::string& text) {
    std::fputs(text.c_str(), stdout);
}

int run(const std::vector<std::string>& arguments) {
    OptionReader reader;
    read_command_line(arguments, reader);
    const auto& options = reader.options();
    if (is_asked(options, "help")) return print(help_text()), 0;
    for (const auto& problem : reader.problems()) {
        std::fprintf(stderr, "%s\n", problem.message.c_str());
    }
    if (!reader.problems().empty()) return reader.problems().front().exit_code;
    if (is_asked(options, "print-config")) return print(config_text(options)), 0;
    if (is_asked(options, "print-default-config")) return print(default_config_text()), 0;
    return 0;
}

}  // namespace
}  // namespace twincached::app

int main(int argc, char** argv) {
    try {
        return twincached::app::run({argv + 1, argv + argc});
    } catch (const std::exception& error) {
        std::fprintf(stderr, "twincached: %s\n", error.what());
        return 1;
    }
}
