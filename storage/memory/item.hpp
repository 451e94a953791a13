// An item as it lies in a slab: its header, and behind it, packed, what not every item has. It is
// never freed: it is marked dead, and its slab is reclaimed.
//
//    0        18                                                                      slab_bytes
//    [ header | expiry, 4, | explicit CAS, 8, | client  | key, 1 | value           | waste, padding
//    ]
//             |  if it has |  if it has one   | flags,  | to 250 |                 |
//             |  a place   |                  | 4, if   |        | or: its extent's number, 4, and
//             |  for one   |                  | not zero|        |     its length, 4 (large)
//                                                                | or: its birth's version, 8
//                                                                (stub)
//
// An item that never expires has no place for an expiry; if it is given one later, it is written
// anew elsewhere.
//
// A stub is an item that a reader created on a miss (mg N). It has version 0 until it is stored;
// the version of its birth is kept, so that a later flush finds it too.
//
// An item has no constructor and owns nothing: it is a view of bytes that Table has placed, and is
// read and written under its shard's lock.
#pragma once

#include "storage/memory/item_form.hpp"
#include "storage/memory/item_header.hpp"

#include <cstring>
#include <string_view>

namespace twincached::storage {

class Item : public ItemHeader {
  public:
    // REQUIRES: form.slab_bytes() or more writable bytes here. `room_bytes` (a multiple of 8) is
    // what the item occupies. The value of an ordinary item is written by the caller.
    void write(const ItemForm& form, std::uint32_t room_bytes) noexcept;
    // Everything but the value, as it would be written again.
    ItemState state() const noexcept;
    ItemForm form() const noexcept;

    Expiry expiry() const noexcept {
        return has_expiry() ? Expiry::from_raw(load<Tick>(body())) : Expiry::never();
    }
    // REQUIRES: has_expiry().
    void set_expiry(Expiry expiry) noexcept;

    // What clients see: an explicit one, or that of its version.
    std::uint64_t cas() const noexcept {
        return has_explicit_cas() ? load<std::uint64_t>(cas_begin()) : cas_of(version_);
    }
    std::uint32_t client_flags() const noexcept {
        return has_client_flags() ? load<std::uint32_t>(key_begin() - 4) : 0;
    }
    std::string_view key() const noexcept { return {key_begin(), key_bytes_}; }
    std::uint32_t value_bytes() const noexcept {
        return is_large() ? load<std::uint32_t>(value_in_slab() + sizeof(ExtentNumber))
                          : slab_value_bytes_;
    }

    // The value, or what stands in its place.
    char* value_in_slab() noexcept { return writable(key_begin() + key_bytes_); }
    const char* value_in_slab() const noexcept { return key_begin() + key_bytes_; }
    // REQUIRES: is_large().
    ExtentNumber extent() const noexcept { return load<ExtentNumber>(value_in_slab()); }
    // REQUIRES: is_stub().
    Version birth() const noexcept { return load<Version>(value_in_slab()); }

    // What it would take if it were written anew: less, if its value was replaced by a smaller one.
    std::uint32_t natural_bytes() const noexcept { return form().slab_bytes(); }

  private:
    template <class Number>
    static Number load(const char* from) noexcept {
        Number number;
        std::memcpy(&number, from, sizeof number);
        return number;
    }
    template <class Number>
    static void store(const char* to, Number number) noexcept {
        std::memcpy(writable(to), &number, sizeof number);
    }
    const char* body() const noexcept {
        return reinterpret_cast<const char*>(this) + item_header_bytes;
    }
    const char* cas_begin() const noexcept { return body() + (has_expiry() ? sizeof(Tick) : 0); }
    const char* key_begin() const noexcept {
        return cas_begin() + (has_explicit_cas() ? 8 : 0) + (has_client_flags() ? 4 : 0);
    }
    static char* writable(const char* place) noexcept { return const_cast<char*>(place); }
};

}  // namespace twincached::storage
