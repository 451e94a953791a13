#include "protocol/reports/administration.hpp"

#include "protocol/reports/dump.hpp"
#include "protocol/reports/stats_verb.hpp"
#include "protocol/words.hpp"

#include <charconv>
#include <optional>

namespace twincached::protocol {

namespace {

// memcached takes what strtod() takes; so does this, but for blanks in front and hexadecimals.
std::optional<double> parse_ratio(std::string_view word) noexcept {
    double ratio = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), ratio);
    if (error != std::errc{} || end != word.data() + word.size()) return std::nullopt;
    return ratio;
}

// memcached's largest class with the default factor; pages can be moved between 0 and this.
constexpr std::int32_t slab_class_max = 39;

// There are no pages to move between classes here: what is asked properly is answered as by a
// memcached that has none to spare.
Answer reassign(const Settings& settings, Words words) noexcept {
    const auto from_word = words.next();
    const auto to_word = words.next();
    if (to_word.empty() || !words.next().empty()) return Answer::error;
    if (!settings.reassign_enabled) return Answer::reassign_disabled;
    const auto from = parse_strict_word<std::int32_t>(from_word);
    const auto to = parse_strict_word<std::int32_t>(to_word);
    if (!from || !to) return Answer::bad_line;
    if (*from == *to) return Answer::slab_class_same;
    const auto is_class = [](std::int32_t id) { return id >= 0 && id <= slab_class_max; };
    if (!is_class(*from) || !is_class(*to)) return Answer::slab_class_invalid;
    return Answer::slab_no_spare;
}

// Answers `ok` and lets `stats settings` show what was asked for.
Answer take_note(ReportedSettings& reported, std::string_view setting, std::string_view value) {
    reported.set(setting, value);
    return Answer::ok;
}

// Levels 0 to 2, ratios, a window of 3 to 1800 seconds: checked as memcached does, and without
// effect.
Answer automove(ReportedSettings& reported, Words words) {
    const auto what = words.next();
    if (what.empty()) return Answer::error;
    if (what == "ratio" || what == "freeratio") {
        const auto word = words.next();
        if (!parse_ratio(word)) return Answer::error;
        const bool is_free = what == "freeratio";
        return take_note(reported, is_free ? "slab_automove_freeratio" : "slab_automove_ratio",
                         word);
    }
    if (what == "window") {
        const auto word = words.next();
        const auto seconds = parse_strict_word<std::uint32_t>(word);
        if (!seconds) return Answer::bad_line;
        if (*seconds < 3 || *seconds > 1800) return Answer::bad_automove_window;
        return take_note(reported, "slab_automove_window", word);
    }
    const auto level = parse_strict_word<std::uint32_t>(what);
    if (!level) return Answer::bad_line;
    return *level <= 2 ? take_note(reported, "slab_automove", what) : Answer::error;
}

// Percentages of memory, which together leave 20 to the cold queue, and ages beside its.
Answer tune(ReportedSettings& reported, Words words) {
    const auto hot_word = words.next();
    const auto warm_word = words.next();
    const auto hot_factor_word = words.next();
    const auto warm_factor_word = words.next();
    const auto hot = parse_strict_word<std::uint32_t>(hot_word);
    const auto warm = parse_strict_word<std::uint32_t>(warm_word);
    const auto hot_factor = parse_ratio(hot_factor_word);
    const auto warm_factor = parse_ratio(warm_factor_word);
    if (!hot || !warm || !hot_factor || !warm_factor) return Answer::error;
    if (std::uint64_t{*hot} + *warm > 80) return Answer::lru_tune_too_high;
    if (*hot_factor <= 0 || *warm_factor <= 0) return Answer::lru_tune_too_low;
    take_note(reported, "hot_lru_pct", hot_word);
    take_note(reported, "warm_lru_pct", warm_word);
    take_note(reported, "hot_max_factor", hot_factor_word);
    return take_note(reported, "warm_max_factor", warm_factor_word);
}

// Negative seconds switch it off.
Answer set_temporary_ttl(ReportedSettings& reported, std::string_view word) {
    const auto seconds = parse_strict_word<std::int32_t>(word);
    if (!seconds) return Answer::error;
    take_note(reported, "temp_lru", *seconds < 0 ? "no" : "yes");
    return *seconds < 0 ? Answer::ok : take_note(reported, "temporary_ttl", word);
}

// Enabling twice is told, as by memcached; disabling twice is not.
Answer set_crawler(ReportedSettings& reported, bool enabled) {
    const bool was = reported.enable_crawler(enabled);
    if (enabled && was) return Answer::crawler_runs;
    return take_note(reported, "lru_crawler", enabled ? "yes" : "no");
}

// Microseconds between items, at most a second; or how many items a run looks at.
Answer set_crawler_number(ReportedSettings& reported, std::string_view what,
                          std::string_view word) {
    if (word.empty()) return Answer::error;
    const auto number = parse_strict_word<std::uint32_t>(word);
    if (!number) return Answer::bad_line;
    constexpr std::uint32_t second_us = 1'000'000;
    const bool is_sleep = what == "sleep";
    if (is_sleep && *number > second_us) return Answer::bad_crawler_sleep;
    return take_note(reported, is_sleep ? "lru_crawler_sleep" : "lru_crawler_tocrawl", word);
}

// `debugtime <seconds>`, `p` to stop the clocks, `r` to let them go on.
std::optional<ClockChange> parse_clock_change(std::string_view word) noexcept {
    using Action = ClockChange::Action;
    constexpr std::int64_t farthest = 100LL * 365 * 24 * 3600;
    if (word == "p") return ClockChange{Action::pause};
    if (word == "r") return ClockChange{Action::resume};
    const auto seconds = lib::parse_number<std::int64_t>(word);
    if (!seconds || *seconds < -farthest || *seconds > farthest) return std::nullopt;
    return ClockChange{Action::move, *seconds};
}

// What has expired is found by upkeep, which never waits to be told: there is nothing left to do.
Answer crawl(ReportedSettings& reported, std::string_view classes) noexcept {
    if (!ClassSet::parse(classes)) return Answer::class_invalid;
    reported.note_crawl();
    return Answer::ok;
}

// --- lines ---------------------------------------------------------------------------------------

Answer parse_verbosity(Words words, Command& command) noexcept {
    command.noreply = asks_no_reply(words.rest());
    const auto level = parse_strict_word<std::uint32_t>(words.next());
    if (!level) return Answer::bad_line;
    command.number = *level;
    return Answer::none;
}

// The rest of the line is for the verb itself to look at.
Answer parse_words(Words words, Command& command) noexcept {
    command.arguments = words.rest();
    return Answer::none;
}

// The same, of a verb that is silent if its last word is "noreply".
Answer parse_quiet_words(Words words, Command& command) noexcept {
    command.noreply = asks_no_reply(words.rest());
    return parse_words(words, command);
}

// --- verbs ---------------------------------------------------------------------------------------

// "flush_all", "flush_all 10", either with "noreply". A word that is no number is an error, but not
// where it is the last and says noreply.
std::optional<std::int32_t> exptime_of_flush(const Command& command) noexcept {
    Words words(command.arguments);
    const auto word = words.next();
    const bool is_last = words.next().empty();
    if (word.empty() || (command.noreply && is_last)) return 0;
    return parse_strict_word<std::int32_t>(word);
}

// That it is not allowed is told before what is wrong with it.
Next execute_flush(Turn& turn, const Command& command) {
    auto& executor = turn.executor;
    const auto exptime = exptime_of_flush(command);
    const bool is_allowed = executor.settings().flush_enabled;
    if (is_allowed && exptime) {
        executor.flush(*exptime, turn.now);
        return turn.answer(Answer::ok);
    }
    executor.refuse_flush();
    return turn.answer(is_allowed ? Answer::bad_exptime : Answer::flush_denied);
}

Next execute_version(Turn& turn, const Command&) {
    turn.answers.version(turn.executor.service().version());
    return Next::go_on;
}

Next execute_verbosity(Turn& turn, const Command& command) {
    turn.executor.service().set_verbosity(static_cast<unsigned>(command.number));
    return turn.answer(Answer::ok);
}

Next execute_quit(Turn&, const Command&) {
    return Next::close;
}

// No answer: the connection ends, as all others do.
Next execute_shutdown(Turn& turn, const Command& command) {
    if (!turn.executor.settings().shutdown_enabled) return turn.answer(Answer::shutdown_disabled);
    Words words(command.arguments);
    const auto mode = words.next();
    const bool is_known = mode.empty() || (mode == "graceful" && words.next().empty());
    if (!is_known) return turn.answer(Answer::bad_shutdown);
    turn.executor.service().request_shutdown(!mode.empty());
    return Next::close;
}

// In MiB. Whoever writes bytes is told so, rather than given a limit that no machine has.
Next execute_cache_memlimit(Turn& turn, const Command& command) {
    Words words(command.arguments);
    const auto word = words.next();
    const auto megabytes = parse_strict_word<std::uint32_t>(word);
    if (!megabytes) return turn.answer(Answer::error);
    constexpr std::uint32_t smallest = 8;
    if (*megabytes < smallest) return turn.answer(Answer::memory_limit_too_small);
    constexpr std::uint32_t largest = 1'000'000'000;
    if (*megabytes > largest) return turn.answer(Answer::memory_limit_in_bytes);
    turn.executor.store().set_memory_limit(std::uint64_t{*megabytes} << 20);
    return turn.answer(Answer::ok);
}

Next execute_slabs(Turn& turn, const Command& command) {
    Words words(command.arguments);
    const auto what = words.next();
    if (what == "reassign") return turn.answer(reassign(turn.executor.settings(), words));
    if (what == "automove") {
        return turn.answer(automove(turn.executor.service().shared().reported, words));
    }
    return turn.answer(Answer::error);
}

Next execute_lru(Turn& turn, const Command& command) {
    Words words(command.arguments);
    const auto what = words.next();
    auto& reported = turn.executor.service().shared().reported;
    if (what == "tune") return turn.answer(tune(reported, words));
    if (!turn.executor.settings().maintainer_enabled) return turn.answer(Answer::error);
    const auto word = words.next();
    if (what == "mode" && (word == "flat" || word == "segmented")) {
        return turn.answer(take_note(reported, "lru_segmented", word == "flat" ? "no" : "yes"));
    }
    if (what == "temp_ttl") return turn.answer(set_temporary_ttl(reported, word));
    return turn.answer(Answer::error);
}

// A dump is asked for once and answered in many turns: the first alone counts as a run, and may be
// refused.
Next execute_crawl(Turn& turn, std::string_view what, std::string_view classes) {
    auto& reported = turn.executor.service().shared().reported;
    if (!turn.progress.started) {
        if (classes.empty()) return turn.answer(Answer::error);
        if (!reported.is_crawler_enabled()) return turn.answer(Answer::crawler_disabled);
    }
    if (what == "crawl") return turn.answer(crawl(reported, classes));
    if (!turn.progress.started) reported.note_crawl();
    return what == "metadump" ? execute_metadump(turn, classes) : execute_mgdump(turn, classes);
}

// Here a word too many is an error, "noreply" among them, which is silent then and does nothing.
Next execute_lru_crawler(Turn& turn, const Command& command) {
    Words words(command.arguments);
    const auto what = words.next();
    const auto word = words.next();
    const bool is_switch = what == "enable" || what == "disable";
    if (!words.next().empty() || (is_switch && !word.empty())) return turn.answer(Answer::error);
    auto& reported = turn.executor.service().shared().reported;
    if (what == "crawl" || what == "metadump" || what == "mgdump") {
        return execute_crawl(turn, what, word);
    }
    if (what == "enable") return turn.answer(set_crawler(reported, true));
    if (what == "disable") return turn.answer(set_crawler(reported, false));
    if (what == "sleep" || what == "tocrawl") {
        return turn.answer(set_crawler_number(reported, what, word));
    }
    return turn.answer(Answer::error);
}

// The connection belongs to the log from then on. It has to be the last request that was read:
// answers to others would stand between the log's lines.
Next execute_watch(Turn& turn, const Command& command) {
    auto& executor = turn.executor;
    if (!executor.settings().watch_enabled) return turn.answer(Answer::watch_denied);
    if (turn.pipelined) return turn.answer(Answer::pipelined_watch);
    const auto topics = WatchTopics::parse(command.arguments);
    if (!topics || turn.watcher == nullptr) return turn.answer(Answer::error);
    *turn.watcher = executor.watch(*topics);
    return turn.answer(*turn.watcher ? Answer::ok : Answer::too_many_watchers);
}

Next execute_refresh_certs(Turn& turn, const Command&) {
    const auto refresh = turn.executor.service().refresh_certificates();
    if (refresh.has_tls && refresh.problem.empty()) return turn.answer(Answer::ok);
    turn.answers.set_quiet(false);  // as with memcached, a problem is told in any case
    if (!refresh.has_tls) return turn.answer(Answer::no_tls);
    turn.answers.raw("Error " + refresh.problem + "\r\n");
    return Next::go_on;
}

// As unknown as any other word unless the server was started for tests.
Next execute_debugtime(Turn& turn, const Command& command) {
    if (!turn.executor.settings().test_commands) return turn.answer(Answer::error);
    const auto change = parse_clock_change(Words(command.arguments).next());
    if (!change) return turn.answer(Answer::error);
    turn.executor.service().change_clock(*change);
    return turn.answer(Answer::ok);
}

constexpr Verb verbs[] = {
    {"version", parse_words, execute_version},
    {"stats", parse_words, execute_stats},
    {"flush_all", parse_quiet_words, execute_flush, Effect::changes},
    {"quit", parse_words, execute_quit},
    {"verbosity", parse_verbosity, execute_verbosity},
    {"shutdown", parse_quiet_words, execute_shutdown},
    {"cache_memlimit", parse_quiet_words, execute_cache_memlimit},
    {"slabs", parse_quiet_words, execute_slabs},
    {"lru", parse_quiet_words, execute_lru},
    {"lru_crawler", parse_quiet_words, execute_lru_crawler},
    {"watch", parse_words, execute_watch},
    {"refresh_certs", parse_quiet_words, execute_refresh_certs},
    {"debugtime", parse_words, execute_debugtime},
};

}  // namespace

std::span<const Verb> administrative_verbs() noexcept {
    return verbs;
}

}  // namespace twincached::protocol
