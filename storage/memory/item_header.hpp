// The first 18 bytes of every item: fixed fields and marks. What follows them, and whether it is
// there at all, is Item's business.
//
//    0         8             12             14         16        17      18
//    [ version | last access | value length | shape 16 | key len | marks |
//
//    shape:  [ has expiry | explicit CAS | binary key | size / 8, 13 bits ]
//    marks:  [ frequency 2 | fetched | client flags | stale | won | large | dead ]
//
// Functions of one line, all inline: they are read several times by every request.
#pragma once

#include "storage/exptime.hpp"
#include "storage/memory/ref.hpp"
#include "storage/version.hpp"

#include <cassert>
#include <cstddef>
#include <cstdint>

namespace twincached::storage {

inline constexpr std::size_t item_header_bytes = 18;
// Of a value in a slab. A larger one has an extent, and its length stands beside that one's number.
inline constexpr std::uint32_t slab_value_limit = (std::uint32_t{1} << 16) - 1;
inline constexpr std::uint32_t value_length_limit = (std::uint32_t{1} << 30) - 1;
inline constexpr unsigned frequency_limit = 3;  // two bits

// Its size for the compiler is 24, for it begins with a version; what lies behind `marks_` is the
// item's body, so none is ever copied as a whole.
class ItemHeader {
  public:
    ItemHeader() = delete;
    ItemHeader(const ItemHeader&) = delete;
    ItemHeader& operator=(const ItemHeader&) = delete;

    Version version() const noexcept { return version_; }
    void set_version(Version version) noexcept { version_ = version; }
    Tick last_access() const noexcept { return last_access_; }

    // The tick is written only if it changed, the frequency only up to its limit: most reads
    // leave the line clean. True: the frequency has risen.
    bool mark_access(Tick now) noexcept {
        if (last_access_ != now) last_access_ = now;
        const bool rises = frequency() < frequency_limit;
        if (rises || (marks_ & fetched_mark) == 0)
            marks_ = static_cast<std::uint8_t>((marks_ | fetched_mark) + (rises ? 1 : 0));
        return rises;
    }
    // The same for whoever does not get to see the value: it counts for eviction, but the item has
    // not been fetched.
    bool mark_use(Tick now) noexcept {
        if (last_access_ != now) last_access_ = now;
        return raise_frequency();
    }
    bool raise_frequency() noexcept {
        const bool rises = frequency() < frequency_limit;
        if (rises) ++marks_;
        return rises;
    }
    unsigned frequency() const noexcept { return marks_ & frequency_mask; }
    void set_frequency(unsigned frequency) noexcept {
        assert(frequency <= frequency_limit);
        marks_ = static_cast<std::uint8_t>((marks_ & ~frequency_mask) | frequency);
    }

    bool is_fetched() const noexcept { return has(fetched_mark); }
    bool is_stale() const noexcept { return has(stale_mark); }
    bool is_won() const noexcept { return has(won_mark); }
    bool is_large() const noexcept { return has(large_mark); }
    bool is_dead() const noexcept { return has(dead_mark); }
    bool is_stub() const noexcept { return version_ == 0; }
    void set_won(bool on) noexcept { set(won_mark, on); }
    void set_dead() noexcept { set(dead_mark, true); }
    bool has_binary_key() const noexcept { return (shape_ & binary_key_bit) != 0; }
    bool has_explicit_cas() const noexcept { return (shape_ & explicit_cas_bit) != 0; }
    // There is a place for one; it may say "never".
    bool has_expiry() const noexcept { return (shape_ & expiry_bit) != 0; }
    bool has_client_flags() const noexcept { return has(client_flags_mark); }

    std::size_t key_bytes() const noexcept { return key_bytes_; }
    // What the item occupies of its slab, to the next one: a multiple of 8.
    std::uint32_t slab_bytes() const noexcept {
        return (shape_ & units_mask) * std::uint32_t{item_alignment};
    }
    // REQUIRES: not less than Item::natural_bytes(), and at most slab_bytes_most.
    void set_slab_bytes(std::uint32_t bytes) noexcept {
        assert(bytes <= slab_bytes_most);
        shape_ = static_cast<std::uint16_t>((shape_ & ~units_mask) | bytes / item_alignment);
    }
    static constexpr std::uint32_t slab_bytes_most = 8191 * item_alignment;

  protected:
    static constexpr std::uint8_t frequency_mask = 3;
    static constexpr std::uint8_t fetched_mark = 4;
    static constexpr std::uint8_t client_flags_mark = 8;
    static constexpr std::uint8_t stale_mark = 16;
    static constexpr std::uint8_t won_mark = 32;
    static constexpr std::uint8_t large_mark = 64;
    static constexpr std::uint8_t dead_mark = 128;
    static constexpr unsigned units_mask = 8191;
    static constexpr unsigned binary_key_bit = 1U << 13;
    static constexpr unsigned explicit_cas_bit = 1U << 14;
    static constexpr unsigned expiry_bit = 1U << 15;

    bool has(std::uint8_t mark) const noexcept { return (marks_ & mark) != 0; }
    void set(std::uint8_t mark, bool on) noexcept {
        marks_ = static_cast<std::uint8_t>(on ? marks_ | mark : marks_ & ~mark);
    }

    Version version_;
    Tick last_access_;
    std::uint16_t slab_value_bytes_;
    std::uint16_t shape_;
    std::uint8_t key_bytes_;
    std::uint8_t marks_;  // the last one: Item's body begins behind it
};

}  // namespace twincached::storage
