#include "protocol/meta/plain_meta_get.hpp"

#include "protocol/line_end.hpp"
#include "protocol/meta/meta_parser.hpp"
#include "protocol/words.hpp"

#include <cstdint>
#include <optional>
#include <string_view>

namespace twincached::protocol {

namespace {

constexpr std::size_t verb_size = 3;

constexpr std::uint64_t plain_letters = [] {
    std::uint64_t mask = 0;
    for (const char letter : std::string_view("vkstfcqhlO"))
        mask |= MetaFlags::bit_of(letter);
    return mask;
}();

// How many bytes at the front of `line` are plain flags, each of them once; nothing: one is not.
std::optional<std::size_t> size_of_flags(std::string_view line) noexcept {
    auto unseen = plain_letters;
    std::size_t size = 0;
    while (size + 1 < line.size() && line[size] == ' ') {
        const char letter = line[size + 1];
        const auto bit = is_flag_letter(letter) ? MetaFlags::bit_of(letter) : 0;
        if ((bit & unseen) == 0) return std::nullopt;
        unseen -= bit;
        size += 2;
        if (letter != 'O') continue;
        const auto opaque = visible_front(line.substr(size, opaque_limit + 1));
        if (opaque.size() > opaque_limit) return std::nullopt;
        size += opaque.size();
    }
    return size;
}

}  // namespace

void scan_plain_meta_gets(GetRun& run) noexcept {
    while (!run.is_full()) {
        const auto line = run.rest();
        if (!begins_meta_get(line)) return;
        const auto key = visible_front(line.substr(verb_size, storage::key_size_limit + 1));
        if (!is_key(key)) return;
        const auto words = size_of_flags(line.substr(verb_size + key.size()));
        if (!words) return;
        const auto end = verb_size + key.size() + *words;
        if (!has_line_end(line, end)) return;
        run.add(key, end + line_end.size());
    }
}

MetaFlags plain_flags_of(const GetRun& run, std::size_t index) noexcept {
    auto words = run.request(index);
    words.remove_prefix(verb_size + run.keys()[index].size());
    words.remove_suffix(line_end.size());
    MetaFlags flags;
    while (!words.empty()) {
        const char letter = words[1];
        flags.add(letter);
        words.remove_prefix(2);
        if (letter != 'O') continue;
        flags.opaque = visible_front(words);
        words.remove_prefix(flags.opaque.size());
    }
    return flags;
}

}  // namespace twincached::protocol
