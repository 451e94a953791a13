// One request of the text protocol, parsed: what the client wants, without a wire word in it. Its
// views point into the line that it was parsed from and live as long as that.
#pragma once

#include "protocol/execution/meta_flags.hpp"
#include "protocol/words.hpp"
#include "storage/key.hpp"

#include <array>
#include <cstdint>
#include <string_view>

namespace twincached::protocol {

// memcached refuses what does not fit an int, counting the line end that follows the value.
inline constexpr std::uint64_t announced_value_limit = (std::uint64_t{1} << 31) - 3;

// Blanks end a word, so a key of the text protocol holds none; any other byte may occur.
constexpr bool is_key(std::string_view word) noexcept {
    return !word.empty() && word.size() <= storage::key_size_limit;
}

struct Command {
    std::string_view key;        // of verbs with one key; checked for its length
    std::string_view arguments;  // a retrieval's keys, or the words of an administrative verb
    std::int64_t exptime = 0;
    std::uint64_t value_bytes = 0;  // that follow the line, without the line end
    std::uint64_t number = 0;       // the CAS unique to compare, or the delta
    std::uint32_t client_flags = 0;
    bool has_value = false;
    bool noreply = false;
    MetaFlags meta;  // of meta commands
    // Where a base64 key was decoded to; `key` points here then, so a command is not copied.
    std::array<char, storage::key_size_limit> decoded_key;

    Command() noexcept {}  // NOLINT: decoded_key is filled when it is needed
    Command(const Command&) = delete;
    Command& operator=(const Command&) = delete;

    // Notes the length of a value that follows the line; false if it is no length.
    bool announce_value(std::string_view length) noexcept {
        const auto bytes = parse_strict_word<std::int32_t>(length);
        if (!bytes || *bytes < 0) return false;
        if (static_cast<std::uint64_t>(*bytes) > announced_value_limit) return false;
        value_bytes = static_cast<std::uint64_t>(*bytes);
        has_value = true;
        return true;
    }
};

}  // namespace twincached::protocol
