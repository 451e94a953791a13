#include "protocol/reports/stats_verb.hpp"

#include "protocol/reports/dump.hpp"
#include "protocol/reports/hot_keys_report.hpp"
#include "protocol/reports/stats_report.hpp"
#include "protocol/words.hpp"

namespace twincached::protocol {

namespace {

// A report asks every shard, or looks at every client; the dump of prefixes sorts thousands, and is
// the last thing that is done for its client in a turn.
constexpr std::size_t batches_per_report = 16;
constexpr std::size_t batches_per_dump = 1024;
// Some hundred clients.
constexpr std::size_t batches_per_clients = 256;

Next execute_detail(Turn& turn, std::string_view what) {
    auto& prefixes = turn.executor.service().shared().observation.prefixes;
    if (what == "on" || what == "off") {
        prefixes.set_enabled(what == "on");
        return turn.answer(Answer::ok);
    }
    if (what != "dump") return turn.answer(Answer::bad_detail);
    spend_on_report(turn, true);
    turn.answers.prefixes(prefixes);
    return Next::go_on;
}

Next execute_hot_keys(Turn& turn, std::string_view word) {
    auto& hot_keys = turn.executor.service().shared().observation.hot_keys;
    if (word == "on" || word == "off") {
        return turn.answer(hot_keys.set_enabled(word == "on") ? Answer::ok : Answer::no_memory);
    }
    const auto count =
        word.empty() ? std::optional(HotKeys::shown) : lib::parse_number<std::size_t>(word);
    if (!count || *count == 0) return turn.answer(Answer::bad_hot_keys);
    report_hot_keys(hot_keys, *count, [&](std::string_view key, std::string_view value) {
        turn.answers.stat(key, value);
    });
    return turn.answer(Answer::end);
}

}  // namespace

bool report_some_connections(Turn& turn, StatVisitor visit) {
    turn.spend(batches_per_clients);
    auto& position = turn.progress.position;
    position = turn.executor.service().connection_stats(position, visit);
    return position == 0;
}

void spend_on_report(Turn& turn, bool is_dump) noexcept {
    turn.spend(is_dump ? batches_per_dump : batches_per_report);
}

Next execute_stats(Turn& turn, const Command& command) {
    Words words(command.arguments);
    const auto what = words.next();
    spend_on_report(turn, false);
    if (what == "hotkeys") return execute_hot_keys(turn, words.next());
    const auto write = [&](std::string_view key, std::string_view value) {
        turn.answers.stat(key, value);
    };
    if (what == "conns") {
        return report_some_connections(turn, write) ? turn.answer(Answer::end) : turn.suspend();
    }
    if (report_stats(turn.executor.service(), what, turn.now, write)) {
        return turn.answer(Answer::end);
    }
    if (what == "reset") {
        turn.executor.service().reset_stats();
        return turn.answer(Answer::reset);
    }
    if (what == "detail") return execute_detail(turn, words.next());
    if (what == "cachedump") return execute_cachedump(turn, words.rest());
    return turn.answer(Answer::error);
}

}  // namespace twincached::protocol
