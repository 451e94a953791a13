#include "protocol/binary/binary_request.hpp"

#include "storage/key.hpp"

namespace twincached::protocol {

bool BinaryRequest::is_well_formed() const noexcept {
    const bool extras_fit =
        extras_bytes == shape->extras || (shape->extras_optional && extras_bytes == 0);
    const bool key_fits =
        key_bytes == 0 ? shape->key != BinaryKey::required
                       : shape->key != BinaryKey::none && key_bytes <= storage::key_size_limit;
    return extras_fit && key_fits && (shape->has_value || value_bytes() == 0);
}

BinaryRequest parse_binary(std::string_view bytes) noexcept {
    BinaryRequest request;
    const char* const at = bytes.data();
    request.opcode = static_cast<std::uint8_t>(at[1]);
    request.key_bytes = lib::load_big<std::uint16_t>(at + 2);
    request.extras_bytes = static_cast<std::uint8_t>(at[4]);
    request.body_bytes = lib::load_big<std::uint32_t>(at + 8);
    request.opaque = lib::load_big<std::uint32_t>(at + 12);
    request.cas = lib::load_big<std::uint64_t>(at + 16);
    if (bytes.size() >= request.head_bytes()) {
        request.extras = bytes.substr(binary_header_size, request.extras_bytes);
        request.key = bytes.substr(binary_header_size + request.extras_bytes, request.key_bytes);
    }
    return request;
}

}  // namespace twincached::protocol
