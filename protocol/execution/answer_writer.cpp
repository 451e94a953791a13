#include "protocol/execution/answer_writer.hpp"

#include "protocol/digits.hpp"
#include "protocol/line_end.hpp"
#include "protocol/uri_key.hpp"

#include <array>
#include <cstddef>

namespace twincached::protocol {

namespace {

constexpr auto make_texts() noexcept {
    std::array<std::string_view, static_cast<std::size_t>(Answer::count_)> texts{};
    const auto set = [&texts](Answer answer, std::string_view text) {
        texts[static_cast<std::size_t>(answer)] = text;
    };
    using enum Answer;
    set(ok, "OK\r\n");
    set(stored, "STORED\r\n");
    set(not_stored, "NOT_STORED\r\n");
    set(exists, "EXISTS\r\n");
    set(not_found, "NOT_FOUND\r\n");
    set(deleted, "DELETED\r\n");
    set(touched, "TOUCHED\r\n");
    set(end, "END\r\n");
    set(reset, "RESET\r\n");
    set(error, "ERROR\r\n");
    set(bad_line, "CLIENT_ERROR bad command line format\r\n");
    set(bad_exptime, "CLIENT_ERROR invalid exptime argument\r\n");
    set(bad_delta, "CLIENT_ERROR invalid numeric delta argument\r\n");
    set(bad_chunk, "CLIENT_ERROR bad data chunk\r\n");
    set(non_numeric, "CLIENT_ERROR cannot increment or decrement non-numeric value\r\n");
    set(bad_stats_line, "CLIENT_ERROR bad command line\r\n");
    set(bad_detail, "CLIENT_ERROR usage: stats detail on|off|dump\r\n");
    set(bad_hot_keys, "CLIENT_ERROR usage: stats hotkeys [on|off|<lines>]\r\n");
    set(bad_class, "CLIENT_ERROR Illegal slab id\r\n");
    set(dump_denied, "CLIENT_ERROR stats cachedump not allowed\r\n");
    set(metadump_denied, "ERROR metadump not allowed\r\n");
    set(mgdump_denied, "ERROR mgdump not allowed\r\n");
    set(flush_denied, "CLIENT_ERROR flush_all not allowed\r\n");
    set(bad_shutdown, "CLIENT_ERROR invalid shutdown mode\r\n");
    set(bad_automove_window, "CLIENT_ERROR automove window too low or too high\r\n");
    set(bad_crawler_sleep, "CLIENT_ERROR sleep must be one second or less\r\n");
    set(pipelined_metadump, "ERROR cannot pipeline other commands before metadump\r\n");
    set(pipelined_mgdump, "ERROR cannot pipeline other commands before mgdump\r\n");
    set(pipelined_watch, "ERROR cannot pipeline other commands before watch\r\n");
    set(watch_denied, "CLIENT_ERROR watch commands not allowed\r\n");
    set(too_many_watchers, "WATCHER_TOO_MANY log watcher limit reached\r\n");
    set(unauthenticated, "CLIENT_ERROR unauthenticated\r\n");
    set(login_malformed, "CLIENT_ERROR bad authentication token format\r\n");
    set(login_refused, "CLIENT_ERROR authentication failure\r\n");
    set(login_bad_end, "CLIENT_ERROR bad command line termination\r\n");
    set(login_too_long, "CLIENT_ERROR auth token too long\r\n");
    set(too_large, "SERVER_ERROR object too large for cache\r\n");
    set(no_memory, "SERVER_ERROR out of memory storing object\r\n");
    set(no_memory_for_number, "SERVER_ERROR out of memory\r\n");
    set(no_memory_for_answer, "SERVER_ERROR out of memory writing get response\r\n");
    set(replication_unavailable, "SERVER_ERROR replication unavailable\r\n");
    set(read_only, "SERVER_ERROR read only, the other node is out of sight\r\n");
    set(shutdown_disabled, "SERVER_ERROR: shutdown not enabled\r\n");
    set(no_tls, "Error TLS not enabled\r\n");
    set(memory_limit_too_small, "MEMLIMIT_TOO_SMALL cannot set maxbytes to less than 8m\r\n");
    set(memory_limit_in_bytes, "MEMLIMIT_ADJUST_FAILED input value is megabytes not bytes\r\n");
    set(crawler_runs, "ERROR failed to start lru crawler thread\r\n");
    set(class_invalid, "BADCLASS invalid class id\r\n");
    set(slab_class_invalid, "BADCLASS invalid src or dst class id\r\n");
    set(slab_class_same, "SAME src and dst class are identical\r\n");
    set(slab_no_spare, "NOSPARE source class has no spare pages\r\n");
    set(lru_tune_too_high, "ERROR hot and warm pcts must not exceed 80\r\n");
    set(meta_bad_token, "CLIENT_ERROR bad token in command line format\r\n");
    set(meta_bad_delta, "CLIENT_ERROR invalid numeric delta value\r\n");
    set(meta_bad_initial, "CLIENT_ERROR invalid numeric initial value\r\n");
    set(meta_bad_key, "CLIENT_ERROR error decoding key\r\n");
    set(meta_duplicate, "CLIENT_ERROR duplicate flag\r\n");
    set(meta_invalid, "CLIENT_ERROR invalid flag\r\n");
    set(meta_invalid_or_duplicate, "CLIENT_ERROR invalid or duplicate flag\r\n");
    set(meta_opaque_too_long, "CLIENT_ERROR opaque token too long\r\n");
    set(meta_bad_set_mode, "CLIENT_ERROR invalid mode for ms M token\r\n");
    set(meta_bad_arithmetic_mode, "CLIENT_ERROR invalid mode for ma M token\r\n");
    set(meta_no_op, "MN\r\n");
    set(meta_end, "EN\r\n");
    return texts;
}

constexpr auto texts = make_texts();

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

void AnswerWriter::value(const storage::ItemView& item) {
    auto& bytes = output_.bytes();
    const auto copied = item.pinnable ? 0 : item.value.size();
    char* const begin = bytes.prepare(header_limit + copied);
    char* at = put(put_value_header(begin, item), line_end);
    if (!item.pinnable) at = put(put(at, item.value), line_end);
    bytes.commit(static_cast<std::size_t>(at - begin));
    if (item.pinnable) data(item);
}

void AnswerWriter::value(const storage::ItemView& item, std::uint64_t cas) {
    auto& bytes = output_.bytes();
    char* const begin = bytes.prepare(header_limit);
    char* at = put_value_header(begin, item);
    *at++ = ' ';
    at = put(put_number(at, cas), line_end);
    bytes.commit(static_cast<std::size_t>(at - begin));
    data(item);
}

void AnswerWriter::data(const storage::ItemView& item) {
    if (item.pinnable) {
        output_.append(store_.pin(item));
    } else {
        output_.append(item.value);
    }
    output_.append(line_end);
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
