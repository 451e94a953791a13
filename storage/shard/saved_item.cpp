#include "storage/shard/saved_item.hpp"

#include "lib/endian.hpp"
#include "storage/memory/item_header.hpp"

#include <cassert>
#include <cstring>

namespace twincached::storage {

namespace {

constexpr std::size_t fixed_bytes = saved_item_fixed_bytes;
constexpr std::uint8_t main_mark = 1;
constexpr std::uint8_t fetched_mark = 2;
constexpr std::uint8_t stale_mark = 4;
constexpr std::uint8_t won_mark = 8;
constexpr std::uint8_t binary_key_mark = 16;
constexpr std::uint8_t explicit_cas_mark = 32;
constexpr std::uint8_t all_marks = 63;

std::uint8_t marks_of(const SavedItem& item) noexcept {
    unsigned marks = 0;
    if (item.queue == Queue::main) marks |= main_mark;
    if (item.fetched) marks |= fetched_mark;
    if (item.stale) marks |= stale_mark;
    if (item.won) marks |= won_mark;
    if (item.binary_key) marks |= binary_key_mark;
    if (item.explicit_cas) marks |= explicit_cas_mark;
    return static_cast<std::uint8_t>(marks);
}

}  // namespace

// Little-endian, at these places: version 0, expiry 8, last access 12, length of the value 16,
// client flags 20, length of the key 24, marks 25, frequency 26; then a CAS unique of a client's
// own if the marks say so, and the key.
std::size_t write_head(const SavedItem& item, char* to) noexcept {
    assert(!item.key.empty() && item.key.size() <= key_size_limit);
    char* const begin = to;
    std::memset(to, 0, fixed_bytes);
    lib::store_little(to, item.version);
    lib::store_little(to + 8, item.expiry.raw());
    lib::store_little(to + 12, item.last_access);
    lib::store_little(to + 16, static_cast<std::uint32_t>(item.value.size()));
    lib::store_little(to + 20, item.client_flags);
    lib::store_little(to + 24, static_cast<std::uint8_t>(item.key.size()));
    lib::store_little(to + 25, marks_of(item));
    lib::store_little(to + 26, item.frequency);
    to += fixed_bytes;
    if (item.explicit_cas) {
        lib::store_little(to, *item.explicit_cas);
        to += sizeof *item.explicit_cas;
    }
    std::memcpy(to, item.key.data(), item.key.size());
    return static_cast<std::size_t>(to - begin) + item.key.size();
}

// Two bytes of the fixed part say it all, so that a reader knows how much more it needs.
std::size_t head_size(std::string_view bytes) noexcept {
    const auto key_bytes = lib::load_little<std::uint8_t>(bytes.data() + 24);
    const auto marks = lib::load_little<std::uint8_t>(bytes.data() + 25);
    return fixed_bytes + ((marks & explicit_cas_mark) != 0 ? 8U : 0U) + key_bytes;
}

// Whatever a store could not have written is refused: the bytes come from a file.
std::optional<SavedHead> read_head(std::string_view bytes) noexcept {
    if (bytes.size() < fixed_bytes) return std::nullopt;
    const char* from = bytes.data();
    const auto key_bytes = lib::load_little<std::uint8_t>(from + 24);
    const auto marks = lib::load_little<std::uint8_t>(from + 25);
    const bool has_cas = (marks & explicit_cas_mark) != 0;
    SavedHead head;
    head.head_bytes = head_size(bytes);
    if (bytes.size() < head.head_bytes) return std::nullopt;
    head.value_bytes = lib::load_little<std::uint32_t>(from + 16);
    SavedItem& item = head.item;
    item.version = lib::load_little<std::uint64_t>(from);
    item.expiry = Expiry::from_raw(lib::load_little<std::uint32_t>(from + 8));
    item.last_access = lib::load_little<std::uint32_t>(from + 12);
    item.client_flags = lib::load_little<std::uint32_t>(from + 20);
    item.queue = (marks & main_mark) != 0 ? Queue::main : Queue::fresh;
    item.frequency = lib::load_little<std::uint8_t>(from + 26);
    item.fetched = (marks & fetched_mark) != 0;
    item.stale = (marks & stale_mark) != 0;
    item.won = (marks & won_mark) != 0;
    item.binary_key = (marks & binary_key_mark) != 0;
    if (has_cas) item.explicit_cas = lib::load_little<std::uint64_t>(from + fixed_bytes);
    item.key = bytes.substr(head.head_bytes - key_bytes, key_bytes);
    const bool is_sensible = key_bytes >= 1 && key_bytes <= key_size_limit && item.version != 0 &&
                             head.value_bytes <= value_length_limit && marks <= all_marks &&
                             item.frequency <= frequency_limit;
    if (!is_sensible) return std::nullopt;
    return head;
}

}  // namespace twincached::storage
