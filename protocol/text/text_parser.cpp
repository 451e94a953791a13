#include "protocol/text/text_parser.hpp"

#include "protocol/line_end.hpp"

#include <algorithm>
#include <optional>

namespace twincached::protocol {

namespace {

// Storage lines are read whole before anything is judged: if the length can be known, the value
// must be skipped whatever else is wrong.
struct StorageWords {
    explicit StorageWords(Words& words) noexcept
        : key(words.next()), flags(words.next()), exptime(words.next()), length(words.next()) {}
    std::string_view key;
    std::string_view flags;
    std::string_view exptime;
    std::string_view length;
};

Answer finish_storage(const StorageWords& parts, Command& command) noexcept {
    const auto flags = lib::parse_leading_number<std::uint64_t>(parts.flags);
    const auto exptime = lib::parse_leading_number<std::int64_t>(parts.exptime);
    if (!is_key(parts.key) || !flags || !exptime) return Answer::bad_line;
    command.key = parts.key;
    command.client_flags = static_cast<std::uint32_t>(*flags);
    command.exptime = *exptime;
    return Answer::none;
}

}  // namespace

Answer parse_retrieval(Words words, Command& command) noexcept {
    command.arguments = words.rest();
    if (is_long_retrieval(command)) return Answer::none;
    if (words.next().empty()) return Answer::bad_line;
    const bool has_none = has_word_longer_than(command.arguments, storage::key_size_limit);
    return has_none ? Answer::bad_line : Answer::none;
}

Answer parse_touch_retrieval(Words words, Command& command) noexcept {
    // Of a line of millions of blanks only the beginning is searched: it is parsed again whenever
    // its answer goes on.
    const auto line = words.rest();
    Words beginning(line.substr(0, long_retrieval_bytes));
    auto exptime = parse_strict_word<std::int32_t>(beginning.next());
    const auto keys =
        line.substr(std::min(line.size(), long_retrieval_bytes) - beginning.rest().size());
    if (beginning.rest().empty()) exptime.reset();  // it may not be whole
    const auto refused = parse_retrieval(Words(keys), command);
    if (refused != Answer::none) return refused;
    if (!exptime) return Answer::bad_exptime;
    command.exptime = *exptime;
    return Answer::none;
}

Answer parse_storage(Words words, Command& command) noexcept {
    const StorageWords parts(words);
    if (!command.announce_value(parts.length)) return Answer::bad_line;
    command.noreply = asks_no_reply(words.rest());
    return finish_storage(parts, command);
}

Answer parse_compare_storage(Words words, Command& command) noexcept {
    const StorageWords parts(words);
    if (!command.announce_value(parts.length)) return Answer::bad_line;
    command.noreply = asks_no_reply(words.rest());
    const auto unique = lib::parse_leading_number<std::uint64_t>(words.next());
    if (!unique) return Answer::bad_line;
    command.number = *unique;
    return finish_storage(parts, command);
}

// A time, long without meaning, and noreply may follow the key. memcached 1.6.45 overlooks whatever
// else does; its predecessors and the tool that checks servers (memccapable) call it an error. Who
// wants no reply could not hear of it, and would go on finding what it has deleted.
Answer parse_delete(Words words, Command& command) noexcept {
    command.noreply = asks_no_reply(words.rest());
    command.key = words.next();
    if (!is_key(command.key)) return Answer::bad_line;
    words.next();
    words.next();
    return command.noreply || words.next().empty() ? Answer::none : Answer::bad_line;
}

Answer parse_arithmetic(Words words, Command& command) noexcept {
    command.key = words.next();
    const auto line = words.rest();
    const auto delta_word = words.next();
    if (delta_word.empty()) return Answer::bad_line;
    command.noreply = asks_no_reply(line);
    if (!is_key(command.key)) return Answer::bad_line;
    const auto delta = lib::parse_leading_number<std::uint64_t>(delta_word);
    if (!delta) return Answer::bad_delta;
    command.number = *delta;
    return Answer::none;
}

Answer parse_touch(Words words, Command& command) noexcept {
    command.key = words.next();
    const auto line = words.rest();
    const auto exptime_word = words.next();
    if (exptime_word.empty()) return Answer::bad_line;
    command.noreply = asks_no_reply(line);
    if (!is_key(command.key)) return Answer::bad_line;
    const auto exptime = lib::parse_leading_number<std::int64_t>(exptime_word);
    if (!exptime) return Answer::bad_exptime;
    command.exptime = *exptime;
    return Answer::none;
}

void scan_gets(GetRun& run) noexcept {
    while (!run.is_full()) {
        const auto line = run.rest();
        const auto begin = key_of_get(line);
        if (begin == 0) return;
        const auto key = visible_front(line.substr(begin, storage::key_size_limit + 1));
        const auto end = begin + key.size();
        if (!is_key(key) || !has_line_end(line, end)) return;
        run.add(key, end + line_end.size());
    }
}

}  // namespace twincached::protocol
