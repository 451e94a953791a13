// The first 24 bytes of every item: fixed fields and marks. What follows them, and whether it is
// there at all, is Item's business.
//
//    0         8        12            16                20    21      22         24
//    [ version | expiry | last access | value length 30 | key | marks | size / 8 ]
//                                     | explicit CAS  1 | len |
//                                     | binary key    1 |
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

inline constexpr std::size_t item_header_bytes = 24;
inline constexpr std::uint32_t value_length_limit = (std::uint32_t{1} << 30) - 1;
inline constexpr unsigned frequency_limit = 3;  // two bits

class ItemHeader {
  public:
    Version version() const noexcept { return version_; }
    void set_version(Version version) noexcept { version_ = version; }
    Expiry expiry() const noexcept { return Expiry::from_raw(expiry_); }
    void set_expiry(Expiry expiry) noexcept { expiry_ = expiry.raw(); }
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
    bool has_binary_key() const noexcept { return (length_ & binary_key_bit) != 0; }
    bool has_explicit_cas() const noexcept { return (length_ & explicit_cas_bit) != 0; }
    bool has_client_flags() const noexcept { return has(client_flags_mark); }

    std::size_t key_bytes() const noexcept { return key_bytes_; }
    std::uint32_t value_bytes() const noexcept { return length_ & value_length_limit; }
    // What the item occupies of its slab, to the next one: a multiple of 8.
    std::uint32_t slab_bytes() const noexcept {
        return std::uint32_t{units_} * std::uint32_t{item_alignment};
    }
    // REQUIRES: not less than Item::natural_bytes().
    void set_slab_bytes(std::uint32_t bytes) noexcept {
        units_ = static_cast<std::uint16_t>(bytes / item_alignment);
    }

  protected:
    static constexpr std::uint8_t frequency_mask = 3;
    static constexpr std::uint8_t fetched_mark = 4;
    static constexpr std::uint8_t client_flags_mark = 8;
    static constexpr std::uint8_t stale_mark = 16;
    static constexpr std::uint8_t won_mark = 32;
    static constexpr std::uint8_t large_mark = 64;
    static constexpr std::uint8_t dead_mark = 128;
    static constexpr std::uint32_t explicit_cas_bit = std::uint32_t{1} << 30;
    static constexpr std::uint32_t binary_key_bit = std::uint32_t{1} << 31;

    bool has(std::uint8_t mark) const noexcept { return (marks_ & mark) != 0; }
    void set(std::uint8_t mark, bool on) noexcept {
        marks_ = static_cast<std::uint8_t>(on ? marks_ | mark : marks_ & ~mark);
    }

    Version version_;
    Tick expiry_;
    Tick last_access_;
    std::uint32_t length_;
    std::uint8_t key_bytes_;
    std::uint8_t marks_;
    std::uint16_t units_;
};
static_assert(sizeof(ItemHeader) == item_header_bytes);

}  // namespace twincached::storage
