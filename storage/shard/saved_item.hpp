// An item on its way through a restart: all that makes it what it is, as a store gives it out and
// takes it back, and as bytes. The bytes do not depend on where or how a store keeps items: one of
// other size, other shards or a later version can read them.
//
//    0         8        12            16             20           24    25      26     27       32
//    [ version | expiry | last access | value length | client     | key | marks | freq | unused ]
//                                                      flags        len
//    [ explicit CAS, 8, if it has one ][ key ][ value ]                        all little-endian
//    marks:  [ main queue | fetched | stale | won | binary key | explicit CAS | 0 | 0 ]
//
// Ticks are those of the store that gave it out: whoever takes it back goes on with that clock.
#pragma once

#include "storage/key.hpp"
#include "storage/memory/item_form.hpp"
#include "storage/memory/slab.hpp"
#include "storage/version.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace twincached::storage {

struct SavedItem : ItemState {
    SavedItem() = default;
    explicit SavedItem(const ItemState& state) noexcept : ItemState(state) {}

    std::string_view key;
    std::string_view value;
    Version version = 0;
    Queue queue = Queue::fresh;
};

inline constexpr std::size_t saved_item_fixed_bytes = 32;
inline constexpr std::size_t saved_item_head_most = saved_item_fixed_bytes + 8 + key_size_limit;

// Everything but the value. REQUIRES: saved_item_head_most writable bytes. Returns how many it
// took.
std::size_t write_head(const SavedItem& item, char* to) noexcept;

struct SavedHead {
    SavedItem item;  // without its value
    std::size_t head_bytes = 0;
    std::uint64_t value_bytes = 0;
};
// How long the head is that begins with these bytes. REQUIRES: saved_item_fixed_bytes of them.
std::size_t head_size(std::string_view bytes) noexcept;
// Nothing if the bytes do not begin with a whole and sensible head. The key views into them.
std::optional<SavedHead> read_head(std::string_view bytes) noexcept;

}  // namespace twincached::storage
