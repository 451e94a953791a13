// A key as it may stand in a line of a report: what is not plain becomes %XX. A key may hold any
// byte (base64 in meta commands, the binary protocol), and so a line end and a forged line behind
// it.
#pragma once

#include "storage/key.hpp"

#include <algorithm>
#include <cstddef>
#include <cstring>
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

// Could it be a word of a line? No blank and no control character is in it.
inline bool is_text_key(std::string_view key) noexcept {
    return std::all_of(key.begin(), key.end(), [](char letter) {
        const auto byte = static_cast<unsigned char>(letter);
        return byte > ' ' && byte != 0x7f;
    });
}

// Where readers expect the key as it is: only one that is no text is encoded.
// REQUIRES: key.size() <= storage::key_size_limit, room for uri_key_limit bytes.
inline char* put_report_key(char* at, std::string_view key) noexcept {
    if (!is_text_key(key)) return put_uri_key(at, key);
    std::memcpy(at, key.data(), key.size());
    return at + key.size();
}

}  // namespace twincached::protocol
