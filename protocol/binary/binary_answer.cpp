#include "protocol/binary/binary_answer.hpp"

namespace twincached::protocol {

namespace {

// memcached's own texts, with their full stops and without: clients compare them.
std::string_view words_of(BinaryStatus status) noexcept {
    switch (status) {
        case BinaryStatus::ok:
            return "";
        case BinaryStatus::not_found:
            return "Not found";
        case BinaryStatus::exists:
            return "Data exists for key.";
        case BinaryStatus::too_large:
            return "Too large.";
        case BinaryStatus::invalid:
            return "Invalid arguments";
        case BinaryStatus::not_stored:
            return "Not stored.";
        case BinaryStatus::non_numeric:
            return "Non-numeric server-side value for incr or decr";
        case BinaryStatus::authentication:
            return "Auth failure.";
        case BinaryStatus::authentication_goes_on:
            return "";
        case BinaryStatus::unknown_command:
            return "Unknown command";
        case BinaryStatus::no_memory:
            return "Out of memory";
        case BinaryStatus::unavailable:
            return "Replication unavailable";
    }
    return "";
}

}  // namespace

void BinaryAnswer::error(BinaryStatus status) {
    packet({}, {}, words_of(status), 0, status);
}

void BinaryAnswer::number(std::uint64_t number, std::uint64_t cas) {
    char bytes[sizeof number];
    lib::store_big(bytes, number);
    packet({}, {}, {bytes, sizeof bytes}, cas, BinaryStatus::ok);
}

// A large value stays where it is, pinned until it is sent; a small one is copied.
void BinaryAnswer::item(const storage::ItemView& item, std::uint64_t cas, storage::Store& store) {
    item_head(item, cas, item.value.size());
    if (item.pinnable) {
        output_.append(store.pin(item));
    } else {
        output_.bytes().append(item.value);
    }
}

void BinaryAnswer::touched_item(const storage::ItemView& item, std::uint64_t cas) {
    item_head(item, cas, 0);
}

void BinaryAnswer::item_head(const storage::ItemView& item, std::uint64_t cas,
                             std::size_t value_bytes) {
    const auto key = request_.shape->returns_key ? item.key : std::string_view();
    header({sizeof item.client_flags, key.size(), value_bytes}, cas, BinaryStatus::ok);
    auto& bytes = output_.bytes();
    lib::store_big(bytes.prepare(sizeof item.client_flags), item.client_flags);
    bytes.commit(sizeof item.client_flags);
    bytes.append(key);
}

void BinaryAnswer::packet(std::string_view extras, std::string_view key, std::string_view value,
                          std::uint64_t cas, BinaryStatus status) {
    header({extras.size(), key.size(), value.size()}, cas, status);
    output_.append(extras);
    output_.append(key);
    output_.append(value);
}

// 24 bytes: magic, opcode, length of the key, length of the extras, data type (always 0), status,
// length of the body, opaque, CAS; all big-endian (protocol_binary.h of memcached).
void BinaryAnswer::header(const Lengths& lengths, std::uint64_t cas, BinaryStatus status) {
    auto& bytes = output_.bytes();
    char* const at = bytes.prepare(binary_header_size);
    at[0] = static_cast<char>(binary_answer_magic);
    at[1] = static_cast<char>(request_.opcode);
    lib::store_big(at + 2, static_cast<std::uint16_t>(lengths.key));
    at[4] = static_cast<char>(lengths.extras);
    at[5] = 0;
    lib::store_big(at + 6, static_cast<std::uint16_t>(status));
    lib::store_big(at + 8,
                   static_cast<std::uint32_t>(lengths.extras + lengths.key + lengths.value));
    lib::store_big(at + 12, request_.opaque);
    lib::store_big(at + 16, cas);
    bytes.commit(binary_header_size);
}

}  // namespace twincached::protocol
