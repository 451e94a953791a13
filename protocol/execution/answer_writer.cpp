#include "protocol/execution/answer_writer.hpp"

#include "protocol/digits.hpp"
#include "protocol/line_end.hpp"
#include "protocol/uri_key.hpp"

#include <array>
#include <cstddef>

namespace twincached::protocol {

namespace {

struct AnswerText {
    Answer answer;
    std::string_view text;
};

// `none` and `hang_up` say nothing.
constexpr AnswerText rows[] = {
    {Answer::ok, "OK\r\n"},
    {Answer::stored, "STORED\r\n"},
    {Answer::not_stored, "NOT_STORED\r\n"},
    {Answer::exists, "EXISTS\r\n"},
    {Answer::not_found, "NOT_FOUND\r\n"},
    {Answer::deleted, "DELETED\r\n"},
    {Answer::touched, "TOUCHED\r\n"},
    {Answer::end, "END\r\n"},
    {Answer::reset, "RESET\r\n"},
    {Answer::error, "ERROR\r\n"},
    {Answer::bad_line, "CLIENT_ERROR bad command line format\r\n"},
    {Answer::bad_exptime, "CLIENT_ERROR invalid exptime argument\r\n"},
    {Answer::bad_delta, "CLIENT_ERROR invalid numeric delta argument\r\n"},
    {Answer::bad_chunk, "CLIENT_ERROR bad data chunk\r\n"},
    {Answer::non_numeric, "CLIENT_ERROR cannot increment or decrement non-numeric value\r\n"},
    {Answer::bad_stats_line, "CLIENT_ERROR bad command line\r\n"},
    {Answer::bad_detail, "CLIENT_ERROR usage: stats detail on|off|dump\r\n"},
    {Answer::bad_hot_keys, "CLIENT_ERROR usage: stats hotkeys [on|off|<lines>]\r\n"},
    {Answer::bad_class, "CLIENT_ERROR Illegal slab id\r\n"},
    {Answer::dump_denied, "CLIENT_ERROR stats cachedump not allowed\r\n"},
    {Answer::metadump_denied, "ERROR metadump not allowed\r\n"},
    {Answer::mgdump_denied, "ERROR key dump not allowed\r\n"},
    {Answer::flush_denied, "CLIENT_ERROR flush_all not allowed\r\n"},
    {Answer::bad_shutdown, "CLIENT_ERROR invalid shutdown mode\r\n"},
    {Answer::bad_automove_window, "CLIENT_ERROR automove window too low or too high\r\n"},
    {Answer::bad_crawler_sleep, "CLIENT_ERROR sleep must be one second or less\r\n"},
    {Answer::pipelined_metadump, "ERROR cannot pipeline other commands before metadump\r\n"},
    {Answer::pipelined_mgdump, "ERROR cannot pipeline other commands before mgdump\r\n"},
    {Answer::pipelined_watch, "ERROR cannot pipeline other commands before watch\r\n"},
    {Answer::watch_denied, "CLIENT_ERROR watch commands not allowed\r\n"},
    {Answer::too_many_watchers, "WATCHER_TOO_MANY log watcher limit reached\r\n"},
    {Answer::unauthenticated, "CLIENT_ERROR unauthenticated\r\n"},
    {Answer::login_malformed, "CLIENT_ERROR bad authentication token format\r\n"},
    {Answer::login_refused, "CLIENT_ERROR authentication failure\r\n"},
    {Answer::login_bad_end, "CLIENT_ERROR bad command line termination\r\n"},
    {Answer::login_too_long, "CLIENT_ERROR auth token too long\r\n"},
    {Answer::too_large, "SERVER_ERROR object too large for cache\r\n"},
    {Answer::no_memory, "SERVER_ERROR out of memory storing object\r\n"},
    {Answer::no_memory_for_number, "SERVER_ERROR out of memory\r\n"},
    {Answer::no_memory_for_answer, "SERVER_ERROR out of memory writing get response\r\n"},
    {Answer::replication_unavailable, "SERVER_ERROR replication unavailable\r\n"},
    {Answer::outcome_unknown, "SERVER_ERROR outcome unknown\r\n"},
    {Answer::not_asked, "SERVER_ERROR not done: the other node cannot be asked now\r\n"},
    {Answer::read_only, "SERVER_ERROR read only, the other node is out of sight\r\n"},
    {Answer::shutdown_disabled, "SERVER_ERROR: shutdown not enabled\r\n"},
    {Answer::no_tls, "Error TLS not enabled\r\n"},
    {Answer::memory_limit_too_small, "MEMLIMIT_TOO_SMALL cannot set maxbytes to less than 8m\r\n"},
    {Answer::memory_limit_in_bytes,
     "MEMLIMIT_ADJUST_FAILED input value is megabytes not bytes\r\n"},
    {Answer::crawler_runs, "ERROR failed to start lru crawler thread\r\n"},
    {Answer::crawler_disabled, "CLIENT_ERROR lru crawler disabled\r\n"},
    {Answer::reassign_disabled, "CLIENT_ERROR slab reassignment disabled\r\n"},
    {Answer::class_invalid, "BADCLASS invalid class id\r\n"},
    {Answer::slab_class_invalid, "BADCLASS invalid src or dst class id\r\n"},
    {Answer::slab_class_same, "SAME src and dst class are identical\r\n"},
    {Answer::slab_no_spare, "NOSPARE source class has no spare pages\r\n"},
    {Answer::lru_tune_too_high, "ERROR hot and warm pcts must not exceed 80\r\n"},
    {Answer::lru_tune_too_low, "ERROR hot/warm age factors must be greater than 0\r\n"},
    {Answer::meta_bad_token, "CLIENT_ERROR bad token in command line format\r\n"},
    {Answer::meta_bad_delta, "CLIENT_ERROR invalid numeric delta value\r\n"},
    {Answer::meta_bad_initial, "CLIENT_ERROR invalid numeric initial value\r\n"},
    {Answer::meta_bad_key, "CLIENT_ERROR error decoding key\r\n"},
    {Answer::meta_duplicate, "CLIENT_ERROR duplicate flag\r\n"},
    {Answer::meta_invalid, "CLIENT_ERROR invalid flag\r\n"},
    {Answer::meta_invalid_or_duplicate, "CLIENT_ERROR invalid or duplicate flag\r\n"},
    {Answer::meta_opaque_too_long, "CLIENT_ERROR opaque token too long\r\n"},
    {Answer::meta_bad_set_mode, "CLIENT_ERROR invalid mode for ms M token\r\n"},
    {Answer::meta_bad_arithmetic_mode, "CLIENT_ERROR invalid mode for ma M token\r\n"},
    {Answer::meta_no_op, "MN\r\n"},
    {Answer::meta_end, "EN\r\n"},
};

constexpr auto texts = [] {
    std::array<std::string_view, static_cast<std::size_t>(Answer::count_)> by_answer{};
    for (const auto& row : rows)
        by_answer[static_cast<std::size_t>(row.answer)] = row.text;
    return by_answer;
}();

// VALUE, a key, flags, bytes, a CAS unique, four blanks and two line ends.
constexpr std::size_t header_limit = 5 + storage::key_size_limit + 3 * digits_limit + 4 + 4;

char* put_value_header(char* at, const storage::ItemView& item) noexcept {
    at = put(at, "VALUE ");
    at = put(at, item.key);
    *at++ = ' ';
    at = put_number(at, item.client_flags);
    *at++ = ' ';
    return put_number(at, item.value.size());
}

}  // namespace

std::string_view text_of(Answer answer) noexcept {
    return texts[static_cast<std::size_t>(answer)];
}

void AnswerWriter::number(std::uint64_t number) {
    if (quiet_) return;
    auto& bytes = output_.bytes();
    char* const begin = bytes.prepare(digits_limit + line_end.size());
    bytes.commit(static_cast<std::size_t>(put(put_number(begin, number), line_end) - begin));
}

void AnswerWriter::version(std::string_view version) {
    raw("VERSION ");
    raw(version);
    raw(line_end);
}

// The most frequent answer of all, put together in one piece. A large value is not copied but
// pinned, and leaves from where it lies.
void AnswerWriter::value(const storage::ItemView& item, std::optional<std::uint64_t> cas) {
    auto& bytes = output_.bytes();
    const auto copied = item.pinnable ? 0 : item.value.size();
    char* const begin = bytes.prepare(header_limit + copied);
    char* at = put_value_header(begin, item);
    if (cas) {
        *at++ = ' ';
        at = put_number(at, *cas);
    }
    at = put(at, line_end);
    if (!item.pinnable) at = put(put(at, item.value), line_end);
    bytes.commit(static_cast<std::size_t>(at - begin));
    if (item.pinnable) data(item);
}

// Behind the header, and its line end. A pinned value stays in memory until it has left, even if
// the item is overwritten meanwhile.
void AnswerWriter::data(const storage::ItemView& item) {
    if (item.pinnable) {
        output_.append(store_.pin(item));
        return output_.append(line_end);
    }
    auto& bytes = output_.bytes();
    char* const begin = bytes.prepare(item.value.size() + line_end.size());
    put(put(begin, item.value), line_end);
    bytes.commit(item.value.size() + line_end.size());
}

void AnswerWriter::stat(std::string_view key, std::string_view value) {
    raw("STAT ");
    raw(key);
    raw(" ");
    raw(value);
    raw(line_end);
}

void AnswerWriter::stat(std::string_view key, std::uint64_t value) {
    std::array<char, digits_limit> digits;
    char* const end = put_number(digits.data(), value);
    stat(key, {digits.data(), static_cast<std::size_t>(end - digits.data())});
}

void AnswerWriter::prefixes(const PrefixStats& stats) {
    stats.visit(
        [this](std::string_view name, const PrefixStats::Counts& counts) { prefix(name, counts); });
    write(Answer::end);
}

// A prefix is whatever clients sent before the delimiter, so it is encoded like a key in a report.
void AnswerWriter::prefix(std::string_view prefix, const PrefixStats::Counts& counts) {
    auto& bytes = output_.bytes();
    char* const begin = bytes.prepare(uri_key_limit + 4 * digits_limit + 48);
    char* at = put_report_key(put(begin, "PREFIX "), prefix);
    at = put_number(put(at, " get "), counts.gets);
    at = put_number(put(at, " hit "), counts.hits);
    at = put_number(put(at, " set "), counts.sets);
    at = put_number(put(at, " del "), counts.deletes);
    bytes.commit(static_cast<std::size_t>(put(at, line_end) - begin));
}

}  // namespace twincached::protocol
