#include "lib/crc32c.hpp"

#include "lib/endian.hpp"

#include <array>
#include <cstddef>

#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

namespace twincached::lib {
namespace {

constexpr std::uint32_t polynomial = 0x82F63B78;  // 0x1EDC6F41, bits reversed
constexpr std::size_t lanes = 8;                  // bytes taken in one step

using Tables = std::array<std::array<std::uint32_t, 256>, lanes>;

// Table n says what a byte does to the sum when n bytes follow it: so eight bytes are one step of
// eight look-ups that do not wait for each other.
constexpr Tables make_tables() noexcept {
    Tables tables{};
    for (std::uint32_t i = 0; i < 256; ++i) {
        std::uint32_t sum = i;
        for (int bit = 0; bit < 8; ++bit)
            sum = (sum >> 1) ^ ((sum & 1) != 0 ? polynomial : 0);
        tables[0][i] = sum;
    }
    for (std::size_t lane = 1; lane < lanes; ++lane) {
        for (std::size_t i = 0; i < 256; ++i) {
            const std::uint32_t before = tables[lane - 1][i];
            tables[lane][i] = (before >> 8) ^ tables[0][before & 0xFF];
        }
    }
    return tables;
}

constexpr Tables tables = make_tables();

#if defined(__x86_64__)
// Multiplies a sum by x^(8 * count) in effect: what `count` zero bytes would make of it. Three
// runs of a block are summed side by side, which hides the instruction's latency, and joined so.
constexpr std::size_t block_size = 1024;

constexpr std::uint32_t append_zeros(std::uint32_t sum, std::size_t count) noexcept {
    for (std::size_t i = 0; i < count; ++i)
        sum = (sum >> 8) ^ tables[0][sum & 0xFF];
    return sum;
}

using Shift = std::array<std::array<std::uint32_t, 256>, 4>;

Shift make_shift() noexcept {
    Shift shift{};
    for (std::uint32_t byte = 0; byte < 4; ++byte) {
        for (std::uint32_t i = 0; i < 256; ++i) {
            shift[byte][i] = append_zeros(i << (8 * byte), block_size);
        }
    }
    return shift;
}

// Linear in the sum, so the effect of its four bytes is looked up apart and added.
std::uint32_t shifted(const Shift& shift, std::uint32_t sum) noexcept {
    return shift[0][sum & 0xFF] ^ shift[1][(sum >> 8) & 0xFF] ^ shift[2][(sum >> 16) & 0xFF] ^
           shift[3][sum >> 24];
}

// The instruction takes eight bytes each three cycles, but one a cycle if they do not depend on
// each other. Less than three blocks, and what is left of more, goes through it in one line.
__attribute__((target("sse4.2"))) std::uint32_t crc32c_sse42(std::string_view bytes,
                                                             std::uint32_t previous) noexcept {
    static const Shift shift = make_shift();
    const char* at = bytes.data();
    std::size_t left = bytes.size();
    std::uint64_t sum = ~previous;
    while (left >= 3 * block_size) {
        std::uint64_t second = 0;
        std::uint64_t third = 0;
        for (std::size_t i = 0; i < block_size; i += 8) {
            sum = _mm_crc32_u64(sum, load_native<std::uint64_t>(at + i));
            second = _mm_crc32_u64(second, load_native<std::uint64_t>(at + block_size + i));
            third = _mm_crc32_u64(third, load_native<std::uint64_t>(at + 2 * block_size + i));
        }
        const auto joined =
            shifted(shift, static_cast<std::uint32_t>(sum)) ^ static_cast<std::uint32_t>(second);
        sum = shifted(shift, joined) ^ static_cast<std::uint32_t>(third);
        at += 3 * block_size;
        left -= 3 * block_size;
    }
    for (; left >= 8; at += 8, left -= 8)
        sum = _mm_crc32_u64(sum, load_native<std::uint64_t>(at));
    auto rest = static_cast<std::uint32_t>(sum);
    for (; left > 0; ++at, --left)
        rest = _mm_crc32_u8(rest, static_cast<unsigned char>(*at));
    return ~rest;
}
#endif

}  // namespace

// The same sum without the instruction; the tests compare the two.
std::uint32_t crc32c_portable(std::string_view bytes, std::uint32_t previous) noexcept {
    const char* at = bytes.data();
    std::size_t left = bytes.size();
    std::uint32_t sum = ~previous;
    for (; left >= lanes; at += lanes, left -= lanes) {
        const std::uint64_t word = load_little<std::uint64_t>(at) ^ sum;
        sum = 0;
        for (std::size_t i = 0; i < lanes; ++i) {
            sum ^= tables[lanes - 1 - i][(word >> (8 * i)) & 0xFF];
        }
    }
    for (; left > 0; ++at, --left) {
        sum = (sum >> 8) ^ tables[0][(sum ^ static_cast<unsigned char>(*at)) & 0xFF];
    }
    return ~sum;
}

std::uint32_t crc32c(std::string_view bytes, std::uint32_t previous) noexcept {
#if defined(__x86_64__)
    static const bool has_instruction = __builtin_cpu_supports("sse4.2") != 0;
    if (has_instruction) return crc32c_sse42(bytes, previous);
#endif
    return crc32c_portable(bytes, previous);
}

}  // namespace twincached::lib
