#include "replication/registry.hpp"

#include "lib/option_value.hpp"
#include "lib/sizes.hpp"
#include "replication/nats/driver/nats_replicator.hpp"
#include "replication/none.hpp"
#include "replication/pair/driver/pair_replicator.hpp"
#include "replication/replication_options.hpp"
#include "storage/store_options.hpp"

#include <algorithm>
#include <array>
#include <new>
#include <stdexcept>
#include <string>
#include <utility>

namespace twincached::replication {
namespace {

// The first is what a node is that nothing else is said of.
constexpr std::array factories{
    none_factory,
    pair::pair_factory,
    nats::nats_factory,
};

// "none", "none and pair", "none, pair and mirror"
std::string names_of(Factories known) {
    std::string names;
    for (std::size_t i = 0; i < known.size(); ++i) {
        if (i > 0) names += i + 1 == known.size() ? " and " : ", ";
        names += known[i].name;
    }
    return names;
}

const ReplicatorFactory* find(Factories known, std::string_view name) noexcept {
    const auto found = std::find_if(known.begin(), known.end(),
                                    [&](const auto& factory) { return factory.name == name; });
    return found == known.end() ? nullptr : &*found;
}

// "auto|none|pair"
std::string choices_of(Factories known) {
    std::string choices = "auto";
    for (const auto& factory : known)
        choices.append("|").append(factory.name);
    return choices;
}

// "none, pair, or auto,\nwhich is pair if there is a peer"
std::string help_of(Factories known) {
    std::string help = "How this node is replicated: ";
    std::string meanings;
    for (const auto& factory : known) {
        help.append(factory.name).append(", ");
        if (factory.is_meant == nullptr) continue;
        meanings.append(meanings.empty() ? "" : ", ").append(factory.name);
        meanings.append(" if there is ").append(factory.wants);
    }
    return help + "or auto,\nwhich is " + meanings + ".";
}

}  // namespace

Factories replicator_factories() noexcept {
    return factories;
}

std::span<const lib::OptionRow> driver_option_rows() noexcept {
    static const std::string choices = choices_of(factories);
    static const std::string help = help_of(factories);
    static const std::array rows = {lib::OptionRow{.section = "replication",
                                                   .key = "driver",
                                                   .flag = "replication-driver",
                                                   .fills = lib::fills<&ReplicationOptions::driver>,
                                                   .initial = "auto",
                                                   .choices = choices,
                                                   .help = help}};
    return rows;
}

lib::OptionStructs default_options(Factories known) {
    std::vector<lib::OptionRow> all;
    const auto add = [&](std::span<const lib::OptionRow> rows) {
        all.insert(all.end(), rows.begin(), rows.end());
    };
    add(storage::store_option_rows());
    add(option_rows());
    for (const auto& factory : known)
        if (factory.rows != nullptr) add(factory.rows());
    return lib::option_defaults(all);
}

void choose_driver(Factories known, lib::OptionStructs& options) {
    auto& driver = options.edit<ReplicationOptions>().driver;
    if (driver != "auto") return;
    const auto meant = std::find_if(known.begin(), known.end(), [&](const auto& factory) {
        return factory.is_meant != nullptr && factory.is_meant(options);
    });
    driver = meant == known.end() ? known.front().name : meant->name;
}

std::vector<lib::OptionProblem> problems_of(Factories known, const lib::OptionStructs& options) {
    std::vector<lib::OptionProblem> problems;
    const auto* chosen = find(known, options.get<ReplicationOptions>().driver);
    const bool lacks =
        chosen != nullptr && chosen->is_meant != nullptr && !chosen->is_meant(options);
    if (lacks) {
        std::string message = "driver ";
        message.append(chosen->name).append(" needs ").append(chosen->wants);
        message.append(" (").append(chosen->given_by).append(")");
        problems.push_back({"replication", "driver", std::move(message)});
    }
    const auto add = [&](std::vector<lib::OptionProblem> more) {
        std::move(more.begin(), more.end(), std::back_inserter(problems));
    };
    for (const auto& factory : known)
        if (factory.check != nullptr) add(factory.check(options));
    add(problems_of(options));
    return problems;
}

bool is_replicated(Factories known, const lib::OptionStructs& options) noexcept {
    return options.get<ReplicationOptions>().driver != known.front().name;
}

std::string what_is_missing(Factories known) {
    std::string missing;
    for (const auto& factory : known) {
        if (factory.is_meant == nullptr) continue;
        missing.append(missing.empty() ? "it needs " : " or ").append(factory.wants);
        missing.append(" (").append(factory.given_by).append(")");
    }
    return missing;
}

std::vector<std::string> warnings_of(Factories known, const Setup& setup) {
    const auto* chosen = find(known, setup.options.get<ReplicationOptions>().driver);
    if (chosen == nullptr || chosen->warnings == nullptr) return {};
    return chosen->warnings(setup);
}

std::vector<std::string> warnings_from_outside(Factories known, const Setup& setup) {
    const auto* chosen = find(known, setup.options.get<ReplicationOptions>().driver);
    if (chosen == nullptr || chosen->warnings_from_outside == nullptr) return {};
    return chosen->warnings_from_outside(setup);
}

std::optional<ListeningPlace> listening_place(Factories known, const Setup& setup) {
    const auto* chosen = find(known, setup.options.get<ReplicationOptions>().driver);
    if (chosen == nullptr || chosen->listens_at == nullptr) return std::nullopt;
    return chosen->listens_at(setup);
}

std::chrono::milliseconds patience_of_others(Factories known, const lib::OptionStructs& options) {
    const auto* chosen = find(known, options.get<ReplicationOptions>().driver);
    const bool has_others = chosen != nullptr && chosen->patience != nullptr;
    return has_others ? chosen->patience(options) : std::chrono::milliseconds(0);
}

std::optional<lib::TlsSettings> tls_settings(Factories known, const lib::OptionStructs& options) {
    const auto* chosen = find(known, options.get<ReplicationOptions>().driver);
    if (chosen == nullptr || chosen->tls == nullptr) return std::nullopt;
    return chosen->tls(options);
}

std::unique_ptr<Replicator> make_replicator(Factories known, const Setup& setup, Events events) {
    const auto& options = setup.options.get<ReplicationOptions>();
    const auto* chosen = find(known, options.driver);
    if (chosen == nullptr) {
        throw std::invalid_argument("unknown replication driver '" + options.driver +
                                    "': the drivers are " + names_of(known));
    }
    // Next to nothing of a replicator is large but the index of its log.
    try {
        return chosen->make(setup, std::move(events));
    } catch (const std::bad_alloc&) {
        throw std::runtime_error(
            "log-memory: there is no memory for a log of " +
            lib::size_text(options.log_memory_bytes) +
            "; the process may not have so much (ulimit -v, LimitAS= of the unit), or the machine "
            "does not have it");
    }
}

}  // namespace twincached::replication
