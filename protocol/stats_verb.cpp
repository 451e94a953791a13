// The `stats` verb: which report a client wants, in the frame of the text protocol.
#include "protocol/administration.hpp"
#include "protocol/dump.hpp"
#include "protocol/stats_report.hpp"
#include "protocol/words.hpp"

namespace twincached::protocol {

namespace {

using Report = void (*)(Service& service, const storage::Now& now, StatVisitor visit);

struct ReportEntry {
    std::string_view name;
    Report report;
};

constexpr ReportEntry reports[] = {
    {"", [](Service& service, const storage::Now& now,
            StatVisitor visit) { StatsReport(service, now).general(visit); }},
    {"settings", [](Service& service, const storage::Now&,
                    StatVisitor visit) { service.settings_stats(visit); }},
    {"items", [](Service& service, const storage::Now& now,
                 StatVisitor visit) { StatsReport(service, now).items(visit); }},
    {"slabs", [](Service& service, const storage::Now& now,
                 StatVisitor visit) { StatsReport(service, now).slabs(visit); }},
    {"conns", [](Service& service, const storage::Now&,
                 StatVisitor visit) { service.connection_stats(visit); }},
    {"replication", [](Service& service, const storage::Now&,
                       StatVisitor visit) { service.replication_stats(visit); }},
};

Outcome execute_detail(Turn& turn, std::string_view what) noexcept {
    auto& prefixes = turn.executor.service().shared().prefixes;
    if (what == "on" || what == "off") {
        prefixes.set_enabled(what == "on");
        return turn.answer(Answer::ok);
    }
    if (what != "dump") return turn.answer(Answer::bad_detail);
    prefixes.visit([&](std::string_view prefix, const PrefixStats::Counts& counts) {
        turn.answers.prefix(prefix, counts);
    });
    return turn.answer(Answer::end);
}

}  // namespace

Outcome execute_stats(Turn& turn, const Command& command) noexcept {
    Words words(command.arguments);
    const auto what = words.next();
    auto& service = turn.executor.service();
    for (const auto& entry : reports) {
        if (entry.name != what) continue;
        entry.report(service, turn.now, [&](std::string_view key, std::string_view value) {
            turn.answers.stat(key, value);
        });
        return turn.answer(Answer::end);
    }
    if (what == "reset") {
        service.reset_counters();
        service.store().reset_stats();
        service.shared().prefixes.clear();
        return turn.answer(Answer::reset);
    }
    if (what == "sizes") return turn.answer(Answer::sizes_disabled);
    if (what == "detail") return execute_detail(turn, words.next());
    if (what == "cachedump") return execute_cachedump(turn, words.rest());
    return turn.answer(Answer::error);
}

}  // namespace twincached::protocol
