#include "protocol/base64.hpp"

#include <array>
#include <cstdint>

namespace twincached::protocol {

namespace {

constexpr std::string_view alphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::uint8_t not_a_letter = 0xFF;

constexpr auto make_values() noexcept {
    std::array<std::uint8_t, 256> values{};
    for (auto& value : values)
        value = not_a_letter;
    for (std::size_t i = 0; i < alphabet.size(); ++i) {
        values[static_cast<unsigned char>(alphabet[i])] = static_cast<std::uint8_t>(i);
    }
    return values;
}
constexpr auto values = make_values();

constexpr char letter(std::uint32_t group, unsigned shift) noexcept {
    return alphabet[group >> shift & 63U];
}

constexpr std::uint32_t byte_at(std::string_view bytes, std::size_t index) noexcept {
    return index < bytes.size() ? static_cast<unsigned char>(bytes[index]) : 0;
}

}  // namespace

char* put_base64(char* at, std::string_view bytes) noexcept {
    for (std::size_t i = 0; i < bytes.size(); i += 3) {
        const auto group =
            byte_at(bytes, i) << 16 | byte_at(bytes, i + 1) << 8 | byte_at(bytes, i + 2);
        const auto left = bytes.size() - i;
        *at++ = letter(group, 18);
        *at++ = letter(group, 12);
        *at++ = left > 1 ? letter(group, 6) : '=';
        *at++ = left > 2 ? letter(group, 0) : '=';
    }
    return at;
}

std::optional<std::size_t> decode_base64(std::string_view text, std::span<char> room) noexcept {
    if (text.empty() || text.size() % 4 != 0) return std::nullopt;
    std::size_t padding = 0;
    while (padding < 2 && text[text.size() - 1 - padding] == '=')
        ++padding;
    const auto size = text.size() / 4 * 3 - padding;
    if (size > room.size()) return std::nullopt;
    std::size_t written = 0;
    for (std::size_t i = 0; i < text.size(); i += 4) {
        std::uint32_t group = 0;
        for (std::size_t j = i; j < i + 4; ++j) {
            const bool is_padding = j >= text.size() - padding;
            const std::uint32_t value =
                is_padding ? 0U : values[static_cast<unsigned char>(text[j])];
            if (value == not_a_letter) return std::nullopt;
            group = group << 6 | value;
        }
        for (unsigned shift = 16; written < size; shift -= 8) {
            room[written++] = static_cast<char>(group >> shift & 0xFFU);
            if (shift == 0) break;
        }
    }
    return size;
}

}  // namespace twincached::protocol
