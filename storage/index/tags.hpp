// Comparison of all tags of an index bucket at once: one instruction says which of the twelve are
// worth a look at their items. Of the others each has the same tag once in 255 times.
#pragma once

#include <array>
#include <cstdint>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace twincached::storage {

inline constexpr unsigned tag_count = 12;
using TagArray = std::array<std::uint8_t, tag_count>;

// The low bits of a hash, for its high bits choose the bucket. 0 is the tag of an empty slot.
inline std::uint8_t tag_of(std::uint64_t hash) noexcept {
    const auto tag = static_cast<std::uint8_t>(hash);
    return tag == 0 ? std::uint8_t{1} : tag;
}

// A bit for every tag that is equal. The portable form, and what the other is tested against.
inline std::uint32_t match_tags_portable(const TagArray& tags, std::uint8_t tag) noexcept {
    std::uint32_t hits = 0;
    for (unsigned i = 0; i < tag_count; ++i)
        hits |= std::uint32_t{tags[i] == tag} << i;
    return hits;
}

// REQUIRES: 16 bytes are readable from the first tag on (a bucket has 64).
inline std::uint32_t match_tags(const TagArray& tags, std::uint8_t tag) noexcept {
#if defined(__SSE2__)
    const __m128i all = _mm_loadu_si128(reinterpret_cast<const __m128i*>(tags.data()));
    const __m128i equal = _mm_cmpeq_epi8(all, _mm_set1_epi8(static_cast<char>(tag)));
    return static_cast<std::uint32_t>(_mm_movemask_epi8(equal)) & ((1U << tag_count) - 1);
#else
    return match_tags_portable(tags, tag);
#endif
}

}  // namespace twincached::storage
