// An item as it lies in a slab: its header, and behind it, packed, what not every item has. It is
// never freed: it is marked dead, and its slab is reclaimed.
//
//    0        24                                                                        slab_bytes
//    [ header | explicit CAS, 8, | client flags, 4, | key, 1 | value           | waste, padding ]
//             |  if it has one   |  if not zero     | to 250 |                 |
//                                                            | or: its extent's number, 4 (large)
//                                                            | or: its birth's version, 8 (stub)
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

    // What clients see: an explicit one, or that of its version.
    std::uint64_t cas() const noexcept {
        return has_explicit_cas() ? load<std::uint64_t>(body()) : cas_of(version_);
    }
    std::uint32_t client_flags() const noexcept {
        return has_client_flags() ? load<std::uint32_t>(key_begin() - 4) : 0;
    }
    std::string_view key() const noexcept { return {key_begin(), key_bytes_}; }

    // REQUIRES: !is_large().
    char* value_in_slab() noexcept { return key_begin() + key_bytes_; }
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
    char* body() noexcept { return reinterpret_cast<char*>(this) + item_header_bytes; }
    const char* body() const noexcept {
        return reinterpret_cast<const char*>(this) + item_header_bytes;
    }
    std::size_t key_offset() const noexcept {
        return (has_explicit_cas() ? 8U : 0U) + (has_client_flags() ? 4U : 0U);
    }
    char* key_begin() noexcept { return body() + key_offset(); }
    const char* key_begin() const noexcept { return body() + key_offset(); }
};
static_assert(sizeof(Item) == item_header_bytes);

}  // namespace twincached::storage
