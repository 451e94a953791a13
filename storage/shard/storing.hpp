// One item on its way into a shard: what ShardItems::store is given, and what it answers.
#pragma once

#include "storage/key.hpp"
#include "storage/memory/item.hpp"
#include "storage/memory/slab.hpp"
#include "storage/mutation.hpp"

#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>

namespace twincached::storage {

// The value to be stored: up to two parts, one of which may lie in the old item, and blanks behind
// them; or what the old item has, unchanged.
struct StoredValue {
    std::string_view front;
    std::string_view back;
    std::uint64_t blanks = 0;
    bool aliases_old = false;
    bool is_kept = false;

    std::uint64_t bytes() const noexcept { return front.size() + back.size() + blanks; }
    // REQUIRES: bytes() writable bytes, which overlap neither part.
    void copy_to(char* to) const noexcept {
        if (!front.empty()) std::memcpy(to, front.data(), front.size());
        if (!back.empty()) std::memcpy(to + front.size(), back.data(), back.size());
        if (blanks != 0) std::memset(to + front.size() + back.size(), ' ', blanks);
    }
};

struct Storing {
    explicit Storing(const Key& stored_key) noexcept : key(stored_key) {}

    const Key& key;
    ItemForm form;  // `store` fills in value_bytes and extent
    StoredValue value;
    Item* old = nullptr;             // what the key holds; after `done` the new item
    std::optional<Version> version;  // none: a new one is allotted
    Cause cause = Cause::local_write;
    std::optional<Queue> queue;  // none: where the old item lies, or where its ghost says
    Ticket ticket;               // after `done`: what the sink answered
};

// After anything but `done`, items may have moved or gone: look again.
enum class Stored : std::uint8_t {
    done,
    again,    // there is room now, but not where it was looked for
    lacking,  // the grant says what is lacking
    failed,   // there is no memory for it
};

// What a new item of that key has, accessed now and not read yet.
inline ItemForm form_of(const Key& key, Tick now) noexcept {
    ItemForm form;
    form.key = key.bytes;
    form.last_access = now;
    return form;
}

// What the item has, for its successor. The caller's key, not the item's own: the item may move
// while its successor is written.
inline ItemForm form_of(const Key& key, const Item& old) noexcept {
    ItemForm form = old.form();
    form.key = key.bytes;
    return form;
}

}  // namespace twincached::storage
