#include "protocol/text/text_keys_ahead.hpp"

#include "protocol/execution/verb.hpp"
#include "protocol/line_end.hpp"
#include "protocol/text/verbs.hpp"
#include "protocol/words.hpp"
#include "storage/key.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>

namespace twincached::protocol {
namespace {

// A verb, a key as long as it may be, some numbers: longer lines want many keys.
constexpr std::size_t glance_limit = 400;

// Of a value with its line end; 0 where none follows. What is no length is none.
std::size_t value_bytes(const Verb* verb, Words rest) noexcept {
    if (verb == nullptr || verb->length_word == 0) return 0;
    for (auto before = verb->length_word - 1; before > 0; --before)
        rest.next();
    const auto length = parse_strict_word<std::uint32_t>(rest.next());
    return length ? *length + line_end.size() : 0;
}

std::string_view without_line_end(std::string_view line) noexcept {
    if (line.ends_with('\r')) line.remove_suffix(1);
    return line;
}

}  // namespace

KeysAhead text_keys_ahead(std::string_view input, std::span<std::string_view> keys) noexcept {
    KeysAhead ahead;
    while (ahead.count < keys.size() && ahead.bytes < input.size()) {
        const auto glance = input.substr(ahead.bytes, glance_limit);
        const auto* const end =
            static_cast<const char*>(std::memchr(glance.data(), '\n', glance.size()));
        if (end == nullptr) break;
        const auto size = static_cast<std::size_t>(end - glance.data());
        Words words(without_line_end(glance.substr(0, size)));
        const auto* const verb = find_verb(words.next());
        const auto key = words.next();
        if (!key.empty() && key.size() <= storage::key_size_limit) keys[ahead.count++] = key;
        ahead.bytes += size + 1 + value_bytes(verb, words);
    }
    return ahead;
}

}  // namespace twincached::protocol
