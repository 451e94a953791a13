// A key as it may stand in a line of a report: what is not plain becomes %XX.
#pragma once

#include "storage/key.hpp"

#include <cstddef>
#include <string_view>

namespace twincached::protocol {

inline constexpr std::size_t uri_key_limit = 3 * storage::key_size_limit;

// Writes at most three bytes for each of the key; returns the place behind them.
inline char* put_uri_key(char* at, std::string_view key) noexcept {
    constexpr std::string_view hex = "0123456789ABCDEF";
    for (const char letter : key) {
        const auto byte = static_cast<unsigned char>(letter);
        const bool plain = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
                           (byte >= '0' && byte <= '9') || byte == '-' || byte == '.' ||
                           byte == '_' || byte == '~';
        if (plain) {
            *at++ = letter;
        } else {
            *at++ = '%';
            *at++ = hex[byte >> 4];
            *at++ = hex[byte & 15U];
        }
    }
    return at;
}

}  // namespace twincached::protocol
