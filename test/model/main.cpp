// The command line of the model. Exit status: 0 = as expected, 1 = a violation, or a broken rule
// that went unnoticed, 2 = the command line is wrong.
//
//     model search  [bound=value ...] [states=N] [defect=name]
//     model walk    [bound=value ...] [steps=N] [seed=N] [defect=name]
//     model defects                         names every defect
//     add expect=violation where a defect must be caught.

#include "test/model/random_walk.hpp"
#include "test/model/story.hpp"

#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

namespace twincached::model {

namespace {

struct Command {
    bool walks = false;
    bool expects_violation = false;
    std::uint64_t states = 400'000'000;
    std::uint64_t steps = 1'000'000;
    std::uint64_t seed = 1;
    Rules rules;
};

std::optional<std::uint64_t> number_of(std::string_view text) {
    std::uint64_t number = 0;
    const char* end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(text.data(), end, number);
    if (error != std::errc{} || rest != end) return std::nullopt;
    return number;
}

bool set_word(Command& command, std::string_view name, std::string_view value) {
    if (name == "defect") {
        const std::optional<Defect> defect = find_defect(value);
        command.rules.defect = defect.value_or(Defect::none);
        return defect.has_value();
    }
    if (name == "expect") {
        command.expects_violation = value == "violation";
        return command.expects_violation;
    }
    const std::optional<std::uint64_t> number = number_of(value);
    if (!number) return false;
    if (name == "states") command.states = *number;
    if (name == "steps") command.steps = *number;
    if (name == "seed") command.seed = *number;
    if (name == "states" || name == "steps" || name == "seed") return true;
    return *number < 256 && set_bound(command.rules.bounds, name, static_cast<unsigned>(*number));
}

bool set_option(Command& command, std::string_view option) {
    const std::size_t equals = option.find('=');
    const bool known = equals != std::string_view::npos &&
                       set_word(command, option.substr(0, equals), option.substr(equals + 1));
    if (!known) std::fprintf(stderr, "model: what is \"%s\"?\n", std::string(option).c_str());
    return known;
}

void print(const Command& command, const Verdict& verdict, double seconds) {
    const std::string bounds = describe(command.rules.bounds);
    const char* how = command.walks ? "steps at random" : "states";
    const char* end = command.walks || verdict.complete ? "" : ", stopped there";
    const std::string rules(name_of(command.rules.defect));
    std::printf("rules broken: %s; %s\n", rules.c_str(), bounds.c_str());
    std::printf("%llu %s%s, %llu of them at rest, depth %u, %.1f s: %s\n",
                static_cast<unsigned long long>(verdict.states), how, end,
                static_cast<unsigned long long>(verdict.at_rest), verdict.depth, seconds,
                std::string(sentence_of(verdict.violation)).c_str());
    if (verdict.violation == Violation::none) return;
    if (command.walks) std::printf("seed=%llu\n", static_cast<unsigned long long>(verdict.seed));
    std::fputs(tell(command.rules, verdict.history).c_str(), stdout);
}

int run(const Command& command) {
    const auto begin = std::chrono::steady_clock::now();
    const Verdict verdict = command.walks ? random_walk(command.rules, command.steps, command.seed)
                                          : search(command.rules, command.states);
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - begin;
    print(command, verdict, taken.count());
    const bool violated = verdict.violation != Violation::none;
    const bool gave_up = !command.walks && !verdict.complete && !violated;
    return violated == command.expects_violation && !gave_up ? 0 : 1;
}

int usage() {
    std::fputs("usage: model search|walk [bound=value ...] [defect=name] | model defects\n",
               stderr);
    return 2;
}

int print_defects() {
    for (const DefectText& text : defects())
        std::printf("%-28s %s\n", std::string(text.name).c_str(),
                    std::string(text.sentence).c_str());
    return 0;
}

}  // namespace

}  // namespace twincached::model

int main(int count, char** words) {
    using namespace twincached::model;
    if (count < 2) return usage();
    const std::string_view verb = words[1];
    if (verb == "defects") return print_defects();
    if (verb != "search" && verb != "walk") return usage();
    Command command;
    command.walks = verb == "walk";
    for (int i = 2; i < count; ++i)
        if (!set_option(command, words[i])) return 2;
    return run(command);
}
