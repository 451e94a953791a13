#include "storage/memory/item_form.hpp"

#include "lib/round_up.hpp"
#include "storage/memory/item_header.hpp"

namespace twincached::storage {

std::size_t ItemForm::value_bytes_in_slab() const noexcept {
    if (extent != 0) return sizeof(ExtentNumber) + sizeof(std::uint32_t);
    return is_stub() ? sizeof(Version) : value_bytes;
}

std::uint32_t ItemForm::slab_bytes() const noexcept {
    const std::size_t bytes = item_header_bytes + (keeps_expiry() ? sizeof(Tick) : 0) +
                              (explicit_cas ? 8 : 0) + (client_flags != 0 ? 4 : 0) + key.size() +
                              value_bytes_in_slab();
    return static_cast<std::uint32_t>(lib::round_up(bytes, item_alignment));
}

}  // namespace twincached::storage
