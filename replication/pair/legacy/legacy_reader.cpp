#include "replication/pair/legacy/legacy_reader.hpp"

#include "lib/numbers.hpp"
#include "storage/key.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <span>
#include <utility>

namespace twincached::replication::pair {
namespace {

using Status = LegacyReader::Status;

constexpr LegacyReader::Read malformed{.status = Status::malformed};
constexpr std::string_view line_end = "\r\n";

// Blanks in a row, and those at the end, are as one.
LegacyWords words_of(std::string_view line) noexcept {
    LegacyWords words;
    while (words.count < words.all.size()) {
        line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
        if (line.empty()) break;
        const auto size = std::min(line.find(' '), line.size());
        words.all[words.count++] = line.substr(0, size);
        line.remove_prefix(size);
    }
    return words;
}

bool is_key(std::string_view word) noexcept {
    return word.size() <= storage::key_size_limit && word.find('\0') == std::string_view::npos;
}

// Printed as a signed number or as an unsigned one, of 32 bits.
std::optional<std::uint32_t> flags_of(std::string_view word) noexcept {
    const auto number = lib::parse_number<std::int64_t>(word);
    if (!number || *number < std::numeric_limits<std::int32_t>::min() ||
        *number > std::numeric_limits<std::uint32_t>::max())
        return std::nullopt;
    return static_cast<std::uint32_t>(*number);
}

// rep <key> <flags> <exptime> <bytes> <cas>; without <bytes>, which is told apart.
std::optional<LegacyCommand> upsert_of(std::span<const std::string_view> words) noexcept {
    constexpr std::size_t words_of_rep = 5;
    if (words.size() != words_of_rep || !is_key(words[0])) return std::nullopt;
    const auto flags = flags_of(words[1]);
    const auto exptime = lib::parse_number<std::int64_t>(words[2]);
    const auto cas = lib::parse_number<std::uint64_t>(words[4]);
    if (!flags || !exptime || !cas) return std::nullopt;
    return LegacyCommand{.verb = LegacyVerb::upsert,
                         .key = words[0],
                         .flags = *flags,
                         .exptime = *exptime,
                         .cas = *cas};
}

// The time of a delete says until when 2.2.x refuses an `add`; readers miss the key at once.
std::optional<LegacyCommand> removal_of(std::span<const std::string_view> words) noexcept {
    if (words.empty() || words.size() > 2 || !is_key(words[0])) return std::nullopt;
    if (words.size() == 2 && !lib::parse_number<std::int64_t>(words[1])) return std::nullopt;
    return LegacyCommand{.verb = LegacyVerb::removal, .key = words[0]};
}

std::optional<LegacyCommand> flush_of(std::span<const std::string_view> words) noexcept {
    if (words.empty()) return LegacyCommand{.verb = LegacyVerb::flush};
    const auto at = lib::parse_number<std::int64_t>(words[0]);
    if (words.size() > 1 || !at) return std::nullopt;
    return LegacyCommand{.verb = LegacyVerb::flush_later, .exptime = *at};
}

// What has no value behind it.
std::optional<LegacyCommand> short_command_of(const LegacyWords& words) noexcept {
    const auto verb = words.all[0];
    if (verb == "delete") return removal_of(words.behind_verb());
    if (verb == "flush_all") return flush_of(words.behind_verb());
    if (verb == "marugoto_end" && words.count == 1) return LegacyCommand{};
    return std::nullopt;
}

}  // namespace

// An empty line, which ends what went before, is nothing.
LegacyReader::Read LegacyReader::read(std::string_view bytes) {
    if (passing_over_ > 0) return pass_over(bytes);
    std::size_t before = 0;
    for (;;) {
        const auto end = bytes.substr(0, line_limit).find('\n');
        if (end == std::string_view::npos)
            return bytes.size() >= line_limit ? malformed : Read{.taken = before};
        auto line = bytes.substr(0, end);
        if (line.ends_with('\r')) line.remove_suffix(1);
        const auto words = words_of(line);
        bytes.remove_prefix(end + 1);
        before += end + 1;
        if (words.count == 0) continue;
        if (words.all[0] == "rep") return read_upsert(words, bytes, before);
        const auto command = short_command_of(words);
        return command ? Read{Status::command, before, *command} : malformed;
    }
}

LegacyReader::Read LegacyReader::read_upsert(const LegacyWords& words, std::string_view rest,
                                             std::size_t before) {
    const auto head = upsert_of(words.behind_verb());
    const auto size = head ? lib::parse_number<std::uint64_t>(words.all[4]) : std::nullopt;
    if (!size || *size > largest_value) return malformed;
    const auto value_bytes = static_cast<std::size_t>(*size);
    if (value_bytes > value_limit_) {
        passed_key_ = head->key;
        passing_over_ = value_bytes + line_end.size();
        auto next = pass_over(rest);
        next.taken += before;
        return next;
    }
    if (rest.size() < value_bytes + line_end.size()) return {};
    if (rest.substr(value_bytes, line_end.size()) != line_end) return malformed;
    Read read{Status::command, before + value_bytes + line_end.size(), *head};
    read.command.value = rest.substr(0, value_bytes);
    return read;
}

// Its last two bytes are waited for together: they must be the line's end.
LegacyReader::Read LegacyReader::pass_over(std::string_view bytes) {
    const auto of_value = passing_over_ - line_end.size();
    const auto skipped = std::min<std::uint64_t>(of_value, bytes.size());
    passing_over_ -= skipped;
    bytes.remove_prefix(static_cast<std::size_t>(skipped));
    Read read{.taken = static_cast<std::size_t>(skipped)};
    if (passing_over_ > line_end.size() || bytes.size() < line_end.size()) return read;
    if (!bytes.starts_with(line_end)) return malformed;
    passing_over_ = 0;
    read.taken += line_end.size();
    read.status = Status::command;
    read.command = {.verb = LegacyVerb::upsert, .key = passed_key_, .is_too_large = true};
    return read;
}

}  // namespace twincached::replication::pair
