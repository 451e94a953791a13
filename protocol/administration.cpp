#include "protocol/administration.hpp"

#include "protocol/dump.hpp"
#include "protocol/words.hpp"

#include <charconv>
#include <optional>

namespace twincached::protocol {

namespace {

std::optional<double> parse_ratio(std::string_view word) noexcept {
    double ratio = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), ratio);
    if (error != std::errc{} || end != word.data() + word.size()) return std::nullopt;
    return ratio;
}

// memcached's largest class with the default factor; pages can be moved between 0 and this.
constexpr std::int64_t slab_class_max = 39;

Answer reassign(Words words) noexcept {
    const auto from_word = words.next();
    const auto to_word = words.next();
    if (to_word.empty()) return Answer::error;
    const auto from = parse_signed_word<std::int64_t>(from_word);
    const auto to = parse_signed_word<std::int64_t>(to_word);
    if (!from || !to) return Answer::bad_line;
    if (*from == *to) return Answer::slab_class_same;
    const auto is_class = [](std::int64_t id) { return id >= 0 && id <= slab_class_max; };
    if (!is_class(*from) || !is_class(*to)) return Answer::slab_class_invalid;
    return Answer::slab_no_spare;
}

Answer automove(Words words) noexcept {
    const auto what = words.next();
    if (what.empty()) return Answer::error;
    if (what == "ratio" || what == "freeratio") {
        return parse_ratio(words.next()) ? Answer::ok : Answer::error;
    }
    if (what == "window") {
        const auto word = words.next();
        if (word.empty()) return Answer::error;
        const auto seconds = parse_signed_word<std::uint32_t>(word);
        if (!seconds) return Answer::bad_line;
        return *seconds < 3 || *seconds > 1800 ? Answer::bad_automove_window : Answer::ok;
    }
    const auto level = parse_signed_word<std::uint32_t>(what);
    if (!level) return Answer::bad_line;
    return *level <= 2 ? Answer::ok : Answer::error;
}

Answer tune(Words words) noexcept {
    const auto hot = parse_signed_word<std::uint32_t>(words.next());
    const auto warm = parse_signed_word<std::uint32_t>(words.next());
    const auto hot_factor = parse_ratio(words.next());
    const auto warm_factor = parse_ratio(words.next());
    if (!hot || !warm || !hot_factor || !warm_factor) return Answer::error;
    if (std::uint64_t{*hot} + *warm > 80) return Answer::lru_tune_too_high;
    return *hot_factor > 0 && *warm_factor > 0 ? Answer::ok : Answer::error;
}

Answer set_crawler(SharedState& shared, bool enabled) noexcept {
    const bool was = shared.crawler_enabled.exchange(enabled);
    return enabled && was ? Answer::crawler_runs : Answer::ok;
}

Answer check_crawler_number(std::string_view what, std::string_view word) noexcept {
    if (word.empty()) return Answer::error;
    const auto number = parse_signed_word<std::uint32_t>(word);
    if (!number) return Answer::bad_line;
    constexpr std::uint32_t second_us = 1'000'000;
    return what == "sleep" && *number > second_us ? Answer::bad_crawler_sleep : Answer::ok;
}

Answer crawl(std::string_view classes) noexcept {
    if (classes.empty()) return Answer::error;
    return ClassSet::parse(classes) ? Answer::ok : Answer::class_invalid;
}

}  // namespace

Outcome execute_flush(Turn& turn, const Command& command) noexcept {
    if (!turn.executor.settings().flush_enabled) return turn.answer(Answer::flush_denied);
    turn.executor.flush(command.exptime, turn.now);
    return turn.answer(Answer::ok);
}

Outcome execute_version(Turn& turn, const Command&) noexcept {
    turn.answers.version(turn.executor.service().version());
    return Outcome::done;
}

Outcome execute_verbosity(Turn& turn, const Command& command) noexcept {
    turn.executor.service().set_verbosity(static_cast<unsigned>(command.number));
    return turn.answer(Answer::ok);
}

Outcome execute_quit(Turn&, const Command&) noexcept {
    return Outcome::close;
}

Outcome execute_shutdown(Turn& turn, const Command& command) noexcept {
    if (!turn.executor.settings().shutdown_enabled) return turn.answer(Answer::shutdown_disabled);
    const auto mode = Words(command.arguments).next();
    if (!mode.empty() && mode != "graceful") return turn.answer(Answer::bad_shutdown);
    turn.executor.service().request_shutdown(!mode.empty());
    return Outcome::close;
}

Outcome execute_cache_memlimit(Turn& turn, const Command& command) noexcept {
    Words words(command.arguments);
    const auto word = words.next();
    if (word.empty()) return turn.answer(Answer::error);
    turn.answers.set_quiet(ends_with_word(command.arguments, "noreply"));
    const auto megabytes = parse_signed_word<std::uint32_t>(word);
    if (!megabytes) return turn.answer(Answer::error);
    constexpr std::uint32_t smallest = 8;
    if (*megabytes < smallest) return turn.answer(Answer::memory_limit_too_small);
    turn.executor.store().set_memory_limit(std::uint64_t{*megabytes} << 20);
    return turn.answer(Answer::ok);
}

Outcome execute_slabs(Turn& turn, const Command& command) noexcept {
    Words words(command.arguments);
    const auto what = words.next();
    if (what == "reassign") return turn.answer(reassign(words));
    if (what == "automove") return turn.answer(automove(words));
    return turn.answer(Answer::error);
}

Outcome execute_lru(Turn& turn, const Command& command) noexcept {
    Words words(command.arguments);
    const auto what = words.next();
    if (what == "tune") return turn.answer(tune(words));
    const auto word = words.next();
    if (what == "mode" && (word == "flat" || word == "segmented")) return turn.answer(Answer::ok);
    if (what == "temp_ttl" && parse_signed_word<std::int32_t>(word)) {
        return turn.answer(Answer::ok);
    }
    return turn.answer(Answer::error);
}

Outcome execute_lru_crawler(Turn& turn, const Command& command) noexcept {
    Words words(command.arguments);
    const auto what = words.next();
    const auto word = words.next();
    auto& shared = turn.executor.service().shared();
    if (what == "metadump") return execute_metadump(turn, word);
    if (what == "mgdump") return execute_mgdump(turn, word);
    if (what == "crawl") return turn.answer(crawl(word));
    if (what == "enable") return turn.answer(set_crawler(shared, true));
    if (what == "disable") return turn.answer(set_crawler(shared, false));
    if (what == "sleep" || what == "tocrawl") {
        return turn.answer(check_crawler_number(what, word));
    }
    return turn.answer(Answer::error);
}

Outcome execute_watch(Turn& turn, const Command& command) noexcept {
    auto& executor = turn.executor;
    if (!executor.settings().watch_enabled) return turn.answer(Answer::watch_denied);
    if (turn.pipelined) return turn.answer(Answer::pipelined_watch);
    const auto topics = WatchTopics::parse(command.arguments);
    if (!topics || turn.watcher == nullptr) return turn.answer(Answer::error);
    *turn.watcher = executor.watch(*topics);
    return turn.answer(*turn.watcher ? Answer::ok : Answer::too_many_watchers);
}

Outcome execute_refresh_certs(Turn& turn, const Command&) noexcept {
    const auto refresh = turn.executor.service().refresh_certificates();
    if (!refresh.has_tls) return turn.answer(Answer::no_tls);
    if (refresh.problem.empty()) return turn.answer(Answer::ok);
    turn.answers.raw("Error " + refresh.problem + "\r\n");
    return Outcome::done;
}

}  // namespace twincached::protocol
