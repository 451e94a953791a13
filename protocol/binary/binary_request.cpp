#include "protocol/binary/binary_request.hpp"

#include "storage/key.hpp"

#include <array>

namespace twincached::protocol {

namespace {

using Verb = BinaryVerb;

// opcode, verb, quiet, returns key, extras, extras optional, has key, has value
constexpr BinaryShape shapes[] = {
    {0x00, Verb::get, false, false, 0, false, true, false},
    {0x09, Verb::get, true, false, 0, false, true, false},
    {0x0c, Verb::get, false, true, 0, false, true, false},
    {0x0d, Verb::get, true, true, 0, false, true, false},
    {0x1d, Verb::get_and_touch, false, false, 4, false, true, false},
    {0x1e, Verb::get_and_touch, true, false, 4, false, true, false},
    {0x23, Verb::get_and_touch, false, true, 4, false, true, false},
    {0x24, Verb::get_and_touch, true, true, 4, false, true, false},
    {0x1c, Verb::touch, false, false, 4, false, true, false},
    {0x01, Verb::set, false, false, 8, false, true, true},
    {0x11, Verb::set, true, false, 8, false, true, true},
    {0x02, Verb::add, false, false, 8, false, true, true},
    {0x12, Verb::add, true, false, 8, false, true, true},
    {0x03, Verb::replace, false, false, 8, false, true, true},
    {0x13, Verb::replace, true, false, 8, false, true, true},
    {0x0e, Verb::append, false, false, 0, false, true, true},
    {0x19, Verb::append, true, false, 0, false, true, true},
    {0x0f, Verb::prepend, false, false, 0, false, true, true},
    {0x1a, Verb::prepend, true, false, 0, false, true, true},
    {0x04, Verb::remove, false, false, 0, false, true, false},
    {0x14, Verb::remove, true, false, 0, false, true, false},
    {0x05, Verb::increment, false, false, 20, false, true, false},
    {0x15, Verb::increment, true, false, 20, false, true, false},
    {0x06, Verb::decrement, false, false, 20, false, true, false},
    {0x16, Verb::decrement, true, false, 20, false, true, false},
    {0x07, Verb::quit, false, false, 0, false, false, false},
    {0x17, Verb::quit, true, false, 0, false, false, false},
    {0x08, Verb::flush, false, false, 4, true, false, false},
    {0x18, Verb::flush, true, false, 4, true, false, false},
    {0x0a, Verb::no_op, false, false, 0, false, false, false},
    {0x0b, Verb::version, false, false, 0, false, false, false},
    {0x10, Verb::stat, false, false, 0, false, false, false},
    {0x1b, Verb::verbosity, false, false, 4, false, false, false},
    {0x20, Verb::sasl_list, false, false, 0, false, false, false},
    {0x21, Verb::sasl_start, false, false, 0, false, true, true},
    {0x22, Verb::sasl_step, false, false, 0, false, true, true},
};

constexpr std::size_t opcode_limit = 0x25;

constexpr auto make_index() noexcept {
    std::array<const BinaryShape*, opcode_limit> index{};
    for (const auto& shape : shapes)
        index[shape.opcode] = &shape;
    return index;
}
constexpr auto shape_of = make_index();

}  // namespace

bool BinaryRequest::is_well_formed() const noexcept {
    const bool extras_fit =
        extras_bytes == shape->extras || (shape->extras_optional && extras_bytes == 0);
    const bool may_have_key = shape->has_key || shape->verb == BinaryVerb::stat;
    const bool key_fits =
        key_bytes == 0 ? !shape->has_key : may_have_key && key_bytes <= storage::key_size_limit;
    return extras_fit && key_fits && (shape->has_value || value_bytes() == 0);
}

BinaryRequest parse_binary(std::string_view bytes) noexcept {
    BinaryRequest request;
    const char* const at = bytes.data();
    request.opcode = static_cast<std::uint8_t>(at[1]);
    if (request.opcode < shape_of.size()) request.shape = shape_of[request.opcode];
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
