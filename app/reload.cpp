#include "app/reload.hpp"

#include "lib/option_value.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace twincached::app {
namespace {

using Texts = std::vector<std::string>;

std::string shown(std::string_view value) {
    return value.empty() ? "nothing" : std::string(value);
}

void append_all(const std::vector<OptionChange>& changes, std::string_view part, Texts& to) {
    for (const auto& change : changes)
        if (change.row->reloaded_by == part) to.push_back(change.text);
}

// `running` with those of the changes that are taken at a reload: all, or one part's.
Options with_changes(const Options& running, const Options& fresh,
                     const std::vector<OptionChange>& changes, std::string_view part = {}) {
    auto result = running;
    for (const auto& change : changes) {
        const auto& taker = change.row->reloaded_by;
        if (taker.empty() || (!part.empty() && taker != part)) continue;
        lib::copy_value(*change.row, fresh.structs(), result.structs());
    }
    return result;
}

// Each by itself, old and new options are well; what stays until a restart may need what a reload
// would take from it (TLS its certificate).
std::vector<Problem> problems_of(const Options& mixture) {
    OptionReader reader(mixture.table());
    reader.options() = mixture;
    reader.finish();
    return reader.problems();
}

}  // namespace

// A secret is named and never shown, neither the old one nor the new one.
std::vector<OptionChange> changes_between(const Options& running, const Options& fresh) {
    std::vector<OptionChange> changes;
    for (const auto& row : running.rows()) {
        if (row.section.empty() || row.use != lib::OptionUse::effective) continue;
        const auto old_value = lib::value_text(row, running.structs());
        const auto new_value = lib::value_text(row, fresh.structs());
        if (old_value == new_value) continue;
        auto text = std::string(row.key);
        if (!row.secret) text += fmt::format(" {} -> {}", shown(old_value), shown(new_value));
        changes.push_back({&row, std::move(text)});
    }
    return changes;
}

// What an options row promises, that a reload changes it, somebody has to do: a test asks for this.
std::vector<std::string_view> Reload::missing_parts() const {
    std::vector<std::string_view> missing;
    for (const auto& row : running_.rows()) {
        const auto is_it = [&](const Part& part) { return part.name == row.reloaded_by; };
        if (row.reloaded_by.empty() || std::any_of(parts_.begin(), parts_.end(), is_it)) continue;
        missing.push_back(row.reloaded_by);
    }
    return missing;
}

void Reload::run() {
    auto fresh = read_again_();
    for (const auto& problem : fresh.problems)
        log_.error("{}", problem.message);
    for (const auto& line : fresh.overruled)
        log_.warning("{}", line);
    if (!fresh.problems.empty()) {
        log_.error("the options stay as they are");
        fresh.options = running_;
    }
    const auto changes = changes_between(running_, fresh.options);
    Texts taken;
    Texts refused;
    Texts waiting;
    append_all(changes, {}, waiting);
    const bool do_fit = problems_of(with_changes(running_, fresh.options, changes)).empty();
    for (const auto& part : parts_) {
        auto after = with_changes(running_, fresh.options, changes, part.name);
        const bool fits = do_fit || fits_what_stays(after);
        if (!fits) after = running_;
        const auto applied = part.apply(running_, after);
        append_all(changes, part.name, fits && applied ? taken : refused);
        if (applied) running_ = std::move(after);
    }
    const bool is_all_well = fresh.problems.empty() && refused.empty();
    if (changes.empty() && is_all_well) log_.info("no option has changed");
    say("options changed", taken, Severity::info);
    say("options not taken", refused, Severity::error);
    say("options that take a restart to change", waiting, Severity::warning);
}

bool Reload::fits_what_stays(const Options& mixture) {
    const auto problems = problems_of(mixture);
    for (const auto& problem : problems)
        log_.error("with what takes a restart to change: {}", problem.message);
    return problems.empty();
}

void Reload::say(std::string_view what, const Texts& changes, Severity severity) {
    if (changes.empty()) return;
    log_.write(severity, fmt::format("{}: {}", what, fmt::join(changes, ", ")));
}

}  // namespace twincached::app
