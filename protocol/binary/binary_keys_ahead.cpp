#include "protocol/binary/binary_keys_ahead.hpp"

#include "protocol/binary/binary_request.hpp"
#include "storage/key.hpp"

namespace twincached::protocol {

KeysAhead binary_keys_ahead(std::string_view input, std::span<std::string_view> keys) noexcept {
    KeysAhead ahead;
    while (ahead.count < keys.size() && ahead.bytes < input.size()) {
        const auto packet = input.substr(ahead.bytes);
        if (packet.size() < binary_header_size) break;
        if (static_cast<unsigned char>(packet.front()) != binary_request_magic) break;
        const auto request = parse_binary(packet);
        if (!request.is_consistent() || packet.size() < request.head_bytes()) break;
        const auto& key = request.key;
        if (!key.empty() && key.size() <= storage::key_size_limit) keys[ahead.count++] = key;
        ahead.bytes += request.head_bytes() + request.value_bytes();
    }
    return ahead;
}

}  // namespace twincached::protocol
