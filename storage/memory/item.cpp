#include "storage/memory/item.hpp"

#include "storage/key.hpp"

#include <cassert>

namespace twincached::storage {

// Every byte of the header is written, for a slab is not cleared before it is used again. Shape and
// marks come before the body: they say where in it the key begins.
void Item::write(const ItemForm& form, std::uint32_t room_bytes) noexcept {
    assert(room_bytes >= form.slab_bytes() && room_bytes % item_alignment == 0);
    assert(form.value_bytes <= value_length_limit && form.key.size() <= key_size_limit);
    assert(form.extent != 0 || form.value_bytes <= slab_value_limit);
    version_ = form.version;
    last_access_ = form.last_access;
    slab_value_bytes_ =
        form.extent != 0 ? std::uint16_t{0} : static_cast<std::uint16_t>(form.value_bytes);
    shape_ = static_cast<std::uint16_t>((form.keeps_expiry() ? expiry_bit : 0U) |
                                        (form.explicit_cas ? explicit_cas_bit : 0U) |
                                        (form.binary_key ? binary_key_bit : 0U));
    set_slab_bytes(room_bytes);
    key_bytes_ = static_cast<std::uint8_t>(form.key.size());
    marks_ = form.frequency;
    set(fetched_mark, form.fetched);
    set(client_flags_mark, form.client_flags != 0);
    set(stale_mark, form.stale);
    set(won_mark, form.won);
    set(large_mark, form.extent != 0);
    if (form.keeps_expiry()) set_expiry(form.expiry);
    if (form.explicit_cas) store(cas_begin(), *form.explicit_cas);
    if (form.client_flags != 0) store(key_begin() - 4, form.client_flags);
    // Memmove: an item that is written again in its old place has its key there already.
    std::memmove(writable(key_begin()), form.key.data(), form.key.size());
    if (form.extent != 0) {
        store(value_in_slab(), form.extent);
        store(value_in_slab() + sizeof form.extent, static_cast<std::uint32_t>(form.value_bytes));
    } else if (form.is_stub()) {
        store(value_in_slab(), form.birth);
    }
}

void Item::set_expiry(Expiry expiry) noexcept {
    assert(has_expiry());
    store(body(), expiry.raw());
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
    form.has_place_for_expiry = has_expiry();
    return form;
}

}  // namespace twincached::storage
