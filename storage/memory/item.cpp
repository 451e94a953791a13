#include "storage/memory/item.hpp"

#include "storage/key.hpp"

#include <cassert>

namespace twincached::storage {

// Every byte of the header is written, for a slab is not cleared before it is used again. The marks
// come before the body: they say where in it the key begins.
void Item::write(const ItemForm& form, std::uint32_t room_bytes) noexcept {
    assert(room_bytes >= form.slab_bytes() && room_bytes % item_alignment == 0);
    assert(form.value_bytes <= value_length_limit && form.key.size() <= key_size_limit);
    version_ = form.version;
    expiry_ = form.expiry.raw();
    last_access_ = form.last_access;
    length_ = static_cast<std::uint32_t>(form.value_bytes);
    if (form.explicit_cas) length_ |= explicit_cas_bit;
    if (form.binary_key) length_ |= binary_key_bit;
    key_bytes_ = static_cast<std::uint8_t>(form.key.size());
    marks_ = form.frequency;
    set(fetched_mark, form.fetched);
    set(client_flags_mark, form.client_flags != 0);
    set(stale_mark, form.stale);
    set(won_mark, form.won);
    set(large_mark, form.extent != 0);
    units_ = static_cast<std::uint16_t>(room_bytes / item_alignment);
    if (form.explicit_cas) std::memcpy(body(), &*form.explicit_cas, sizeof *form.explicit_cas);
    if (form.client_flags != 0) std::memcpy(key_begin() - 4, &form.client_flags, 4);
    // Memmove: an item that is written again in its old place has its key there already.
    std::memmove(key_begin(), form.key.data(), form.key.size());
    if (form.extent != 0)
        std::memcpy(value_in_slab(), &form.extent, sizeof form.extent);
    else if (form.is_stub())
        std::memcpy(value_in_slab(), &form.birth, sizeof form.birth);
}

ItemState Item::state() const noexcept {
    ItemState state;
    state.expiry = expiry();
    state.last_access = last_access_;
    state.client_flags = client_flags();
    if (has_explicit_cas()) state.explicit_cas = cas();
    state.frequency = static_cast<std::uint8_t>(frequency());
    state.fetched = is_fetched();
    state.stale = is_stale();
    state.won = is_won();
    state.binary_key = has_binary_key();
    return state;
}

ItemForm Item::form() const noexcept {
    ItemForm form(state());
    form.key = key();
    form.value_bytes = value_bytes();
    form.version = version_;
    form.birth = is_stub() ? birth() : 0;
    form.extent = is_large() ? extent() : 0;
    return form;
}

}  // namespace twincached::storage
