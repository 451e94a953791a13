#include "app/reload.hpp"

#include "app/options/option_table.hpp"
#include "app/options/option_value.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cassert>
#include <utility>

namespace twincached::app {
namespace {

std::string shown(std::string_view value) {
    return value.empty() ? "nothing" : std::string(value);
}

}  // namespace

OptionChanges changes_between(const Options& running, const Options& fresh) {
    OptionChanges changes{running, {}, {}};
    for (const auto& option : option_table()) {
        if (option.section.empty() || option.use != Use::effective) continue;
        const auto old_value = value_text(option, running);
        const auto new_value = value_text(option, fresh);
        if (old_value == new_value) continue;
        auto line = std::string(option.key);
        if (!option.secret) line += fmt::format(" {} -> {}", shown(old_value), shown(new_value));
        auto& lines = option.reloadable ? changes.taken : changes.waiting;
        lines.push_back(std::move(line));
        if (option.reloadable) copy_value(option, fresh, changes.options);
    }
    return changes;
}

void Reload::run() {
    auto fresh = read_again_();
    for (const auto& problem : fresh.problems)
        log_.error("{}", problem.message);
    if (!fresh.problems.empty()) {
        log_.error("the options stay as they are");
        fresh.options = running_;
    }
    auto changes = changes_between(running_, fresh.options);
    say(changes);
    for (const auto& apply : parts_)
        apply(running_, changes.options);
    running_ = std::move(changes.options);
}

void Reload::say(const OptionChanges& changes) {
    if (!changes.taken.empty()) log_.info("options changed: {}", fmt::join(changes.taken, ", "));
    if (changes.waiting.empty()) return;
    log_.warning("options that take a restart to change: {}", fmt::join(changes.waiting, ", "));
}

}  // namespace twincached::app
