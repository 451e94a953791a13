// One request of the text protocol, parsed: what the client wants, without a wire word in it. Its
// views point into the line that it was parsed from and live as long as that.
#pragma once

#include "protocol/execution/meta_flags.hpp"
#include "storage/key.hpp"

#include <array>
#include <cstdint>
#include <string_view>

namespace twincached::protocol {

enum class Verb : std::uint8_t {
    get,
    gets,
    gat,
    gats,
    set,
    add,
    replace,
    append,
    prepend,
    cas,
    remove,
    incr,
    decr,
    touch,
    meta_get,
    meta_set,
    meta_delete,
    meta_arithmetic,
    meta_no_op,
    meta_debug,
    flush_all,
    version,
    verbosity,
    quit,
    shutdown,
    cache_memlimit,
    stats,
    slabs,
    lru,
    lru_crawler,
    watch,
    refresh_certs,
    debugtime,
    extstore,
};

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
    Verb verb = Verb::get;
    bool has_value = false;
    bool noreply = false;
    MetaFlags meta;  // of meta commands
    // Where a base64 key was decoded to; `key` points here then, so a command is not copied.
    std::array<char, storage::key_size_limit> decoded_key;

    Command() noexcept {}  // NOLINT: decoded_key is filled when it is needed
    Command(const Command&) = delete;
    Command& operator=(const Command&) = delete;
};

}  // namespace twincached::protocol
