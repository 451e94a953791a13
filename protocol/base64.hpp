// Base64 with padding, as the meta commands use it for keys that hold any byte (RFC 4648,
// section 4). No allocation: the caller brings the room.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

namespace twincached::protocol {

// Letters that so many bytes become.
constexpr std::size_t base64_size(std::size_t bytes) noexcept {
    return (bytes + 2) / 3 * 4;
}

// Returns the place behind what it wrote: base64_size(bytes.size()) letters.
char* put_base64(char* at, std::string_view bytes) noexcept;

// Decodes into `room`; the number of bytes, or nothing if the text is not strict base64 or does
// not fit.
std::optional<std::size_t> decode_base64(std::string_view text, std::span<char> room) noexcept;

}  // namespace twincached::protocol
