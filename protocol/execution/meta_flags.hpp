// The flags of a meta command, parsed. Source: memcached doc/protocol.txt, "Meta Commands".
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace twincached::protocol {

struct MetaFlags {
    std::uint64_t seen = 0;        // one bit per letter, see bit_of
    std::array<char, 32> order{};  // their letters as they came: so the answer returns them
    std::uint8_t count = 0;  // of these; there are fewer letters than places, and each comes once
    std::string_view wire_key;  // the key as the client wrote it, base64 or not
    std::string_view opaque;
    std::uint64_t cas = 0;           // C
    std::uint64_t explicit_cas = 0;  // E
    std::uint64_t delta = 1;         // D
    std::uint64_t initial = 0;       // J
    std::int64_t ttl = 0;            // T
    std::int64_t vivify_ttl = 0;     // N
    std::int64_t recache_below = 0;  // R
    std::uint32_t client_flags = 0;  // F
    char mode = 0;                   // M, 0 if it was not given

    static constexpr std::uint64_t bit_of(char letter) noexcept {
        return std::uint64_t{1} << (static_cast<unsigned>(letter) & 63U);
    }
    constexpr bool has(char letter) const noexcept { return (seen & bit_of(letter)) != 0; }
    // REQUIRES: it is a known letter, and not there yet.
    constexpr void add(char letter) noexcept {
        seen |= bit_of(letter);
        order[count++] = letter;
    }
    // The first is there, and the second behind it or not at all.
    constexpr bool is_before(char first, char second) const noexcept {
        return letters().find(first) < letters().find(second);
    }
    constexpr std::string_view letters() const noexcept { return {order.data(), count}; }
};

}  // namespace twincached::protocol
