// An item as it lies in a slab. It is never freed: it is marked dead, and its slab is reclaimed.
//
//    0         8        12            16                20    21      22         24
//    [ version | expiry | last access | value length 30 | key | marks | size / 8 | body ... ]
//                                     | explicit CAS  1 | len |
//                                     | binary key    1 |
//    marks:  [ frequency 2 | fetched | client flags | stale | won | large | dead ]
//    body:   [ explicit CAS, 8, if it has one ][ client flags, 4, if not zero ][ key ][ value ]
//
// Instead of its value a large item has the number of its extent (4 bytes). An item that a reader
// created on a miss (mg N) has version 0 until it is stored; instead of a value it has the version
// of its birth (8 bytes), so that a later flush finds it too.
#pragma once

#include "storage/exptime.hpp"
#include "storage/operations.hpp"
#include "storage/version.hpp"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>

namespace twincached::storage {

using ExtentNumber = std::uint32_t;  // 0 = none

inline constexpr std::size_t item_header_bytes = 24;
inline constexpr std::size_t item_alignment = 8;
inline constexpr std::uint32_t value_length_limit = (std::uint32_t{1} << 30) - 1;
inline constexpr unsigned frequency_limit = 3;

// What an item is beside its key, value and version, wherever it lies.
struct ItemState {
    Expiry expiry;
    Tick last_access = 0;
    std::uint32_t client_flags = 0;
    std::optional<std::uint64_t> explicit_cas;
    std::uint8_t frequency = 0;
    bool fetched = false;
    bool stale = false;
    bool won = false;
    bool binary_key = false;
};

// All that an item is made of, but for its value.
struct ItemForm : ItemState {
    ItemForm() = default;
    explicit ItemForm(const ItemState& state) noexcept : ItemState(state) {}

    std::string_view key;
    std::uint64_t value_bytes = 0;
    Version version = 0;
    Version birth = 0;        // of an item with version 0
    ExtentNumber extent = 0;  // not 0: large

    std::size_t value_bytes_in_slab() const noexcept;
    // What it takes of a slab.
    std::uint32_t slab_bytes() const noexcept;
    bool is_stub() const noexcept { return version == 0; }
};

class Item {
  public:
    // REQUIRES: form.slab_bytes() or more writable bytes here. `room_bytes` (a multiple of 8) is
    // what the item occupies. The value of an ordinary item is written by the caller.
    void write(const ItemForm& form, std::uint32_t room_bytes) noexcept;

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
        marks_ = static_cast<std::uint8_t>((marks_ & ~frequency_mask) | frequency);
    }

    bool is_fetched() const noexcept { return has(fetched_mark); }
    bool is_stale() const noexcept { return has(stale_mark); }
    bool is_won() const noexcept { return has(won_mark); }
    bool is_large() const noexcept { return has(large_mark); }
    bool is_dead() const noexcept { return has(dead_mark); }
    bool is_stub() const noexcept { return version_ == 0; }
    void set_stale(bool on) noexcept { set(stale_mark, on); }
    void set_won(bool on) noexcept { set(won_mark, on); }
    void set_dead() noexcept { set(dead_mark, true); }
    bool has_binary_key() const noexcept { return (length_ & binary_key_bit) != 0; }

    bool has_explicit_cas() const noexcept { return (length_ & explicit_cas_bit) != 0; }
    // REQUIRES: has_explicit_cas().
    void set_explicit_cas(std::uint64_t cas) noexcept { std::memcpy(body(), &cas, sizeof cas); }
    std::uint64_t cas() const noexcept {
        if (!has_explicit_cas()) return cas_of(version_);
        return load<std::uint64_t>(body());
    }
    std::uint32_t client_flags() const noexcept {
        return has(client_flags_mark) ? load<std::uint32_t>(key_begin() - 4) : 0;
    }
    std::string_view key() const noexcept { return {key_begin(), key_bytes_}; }

    std::uint32_t value_bytes() const noexcept { return length_ & value_length_limit; }
    // REQUIRES: the bytes are there, or in the extent.
    void set_value_bytes(std::uint32_t bytes) noexcept {
        length_ = (length_ & ~value_length_limit) | bytes;
    }
    // REQUIRES: !is_large().
    char* value_in_slab() noexcept { return key_begin() + key_bytes_; }
    const char* value_in_slab() const noexcept { return key_begin() + key_bytes_; }
    // REQUIRES: is_large().
    ExtentNumber extent() const noexcept { return load<ExtentNumber>(value_in_slab()); }
    // REQUIRES: is_stub().
    Version birth() const noexcept { return load<Version>(value_in_slab()); }

    std::uint32_t slab_bytes() const noexcept {
        return std::uint32_t{units_} * std::uint32_t{item_alignment};
    }
    // What it would take if it were written anew: less, if its value was replaced by a smaller one.
    std::uint32_t natural_bytes() const noexcept { return form().slab_bytes(); }
    // REQUIRES: not less than natural_bytes().
    void set_slab_bytes(std::uint32_t bytes) noexcept {
        units_ = static_cast<std::uint16_t>(bytes / item_alignment);
    }
    // Everything but the value, as it would be written again.
    ItemState state() const noexcept;
    ItemForm form() const noexcept;

  private:
    static constexpr std::uint8_t frequency_mask = 3;
    static constexpr std::uint8_t fetched_mark = 4;
    static constexpr std::uint8_t client_flags_mark = 8;
    static constexpr std::uint8_t stale_mark = 16;
    static constexpr std::uint8_t won_mark = 32;
    static constexpr std::uint8_t large_mark = 64;
    static constexpr std::uint8_t dead_mark = 128;
    static constexpr std::uint32_t explicit_cas_bit = std::uint32_t{1} << 30;
    static constexpr std::uint32_t binary_key_bit = std::uint32_t{1} << 31;

    template <class Number>
    static Number load(const char* from) noexcept {
        Number number;
        std::memcpy(&number, from, sizeof number);
        return number;
    }
    bool has(std::uint8_t mark) const noexcept { return (marks_ & mark) != 0; }
    void set(std::uint8_t mark, bool on) noexcept {
        marks_ = static_cast<std::uint8_t>(on ? marks_ | mark : marks_ & ~mark);
    }
    char* body() noexcept { return reinterpret_cast<char*>(this) + item_header_bytes; }
    const char* body() const noexcept {
        return reinterpret_cast<const char*>(this) + item_header_bytes;
    }
    std::size_t key_offset() const noexcept {
        return (has_explicit_cas() ? 8U : 0U) + (has(client_flags_mark) ? 4U : 0U);
    }
    char* key_begin() noexcept { return body() + key_offset(); }
    const char* key_begin() const noexcept { return body() + key_offset(); }

    Version version_;
    Tick expiry_;
    Tick last_access_;
    std::uint32_t length_;
    std::uint8_t key_bytes_;
    std::uint8_t marks_;
    std::uint16_t units_;
};
static_assert(sizeof(Item) == item_header_bytes);

}  // namespace twincached::storage
