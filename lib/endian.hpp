// Numbers as bytes: big-endian for memcached's binary protocol and UDP frames, little-endian for
// the peer link. The caller guarantees that enough bytes are there.
#pragma once

#include <bit>
#include <concepts>
#include <cstring>

namespace twincached::lib {

template <std::unsigned_integral Number>
constexpr Number byte_swapped(Number value) noexcept {
    if constexpr (sizeof(Number) == 1) {
        return value;
    } else if constexpr (sizeof(Number) == 2) {
        return __builtin_bswap16(value);
    } else if constexpr (sizeof(Number) == 4) {
        return __builtin_bswap32(value);
    } else {
        return __builtin_bswap64(value);
    }
}

template <std::unsigned_integral Number>
Number load_native(const void* from) noexcept {
    Number value;
    std::memcpy(&value, from, sizeof value);
    return value;
}

template <std::unsigned_integral Number>
void store_native(void* to, Number value) noexcept {
    std::memcpy(to, &value, sizeof value);
}

template <std::unsigned_integral Number>
Number load_little(const void* from) noexcept {
    const auto value = load_native<Number>(from);
    return std::endian::native == std::endian::little ? value : byte_swapped(value);
}

template <std::unsigned_integral Number>
Number load_big(const void* from) noexcept {
    const auto value = load_native<Number>(from);
    return std::endian::native == std::endian::big ? value : byte_swapped(value);
}

template <std::unsigned_integral Number>
void store_little(void* to, Number value) noexcept {
    store_native(to, std::endian::native == std::endian::little ? value : byte_swapped(value));
}

template <std::unsigned_integral Number>
void store_big(void* to, Number value) noexcept {
    store_native(to, std::endian::native == std::endian::big ? value : byte_swapped(value));
}

}  // namespace twincached::lib
