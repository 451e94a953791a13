// One request of the binary protocol, parsed. Source: memcached doc/protocol-binary.xml.
//
//     0        1        2        3
//     [ magic ][ opcode][   key length    ]
//     [extras ][ type  ][     vbucket     ]
//     [         total body length         ]
//     [              opaque               ]
//     [               CAS                 ]   24 bytes, then extras, key and value
//     [               CAS                 ]
//
// Numbers are big-endian. The views point into the bytes that it was parsed from.
#pragma once

#include "lib/endian.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace twincached::protocol {

inline constexpr unsigned char binary_request_magic = 0x80;
inline constexpr unsigned char binary_answer_magic = 0x81;
inline constexpr std::size_t binary_header_size = 24;

enum class BinaryVerb : std::uint8_t {
    get,
    set,
    add,
    replace,
    remove,
    increment,
    decrement,
    quit,
    flush,
    no_op,
    version,
    append,
    prepend,
    stat,
    verbosity,
    touch,
    get_and_touch,
    sasl_list,  // this and what follows belong to SASL
    sasl_start,
    sasl_step,
};

// What a request of an opcode must look like. A quiet one is silent when it succeeds, or, if it
// reads, when it misses.
struct BinaryShape {
    std::uint8_t opcode;
    BinaryVerb verb;
    bool quiet;
    bool returns_key;
    std::uint8_t extras;
    bool extras_optional;
    bool has_key;  // false: may have none; stat alone may or may not
    bool has_value;
};

struct BinaryRequest {
    const BinaryShape* shape = nullptr;  // null: an opcode that is not known
    std::uint8_t opcode = 0;
    std::size_t key_bytes = 0;
    std::size_t extras_bytes = 0;
    std::uint64_t body_bytes = 0;
    std::uint32_t opaque = 0;
    std::uint64_t cas = 0;
    std::string_view extras;
    std::string_view key;

    // Header, extras and key: what must be there before the value can be dealt with.
    std::size_t head_bytes() const noexcept {
        return binary_header_size + extras_bytes + key_bytes;
    }
    std::uint64_t value_bytes() const noexcept { return body_bytes - extras_bytes - key_bytes; }
    // False if the lengths contradict each other.
    bool is_consistent() const noexcept { return extras_bytes + key_bytes <= body_bytes; }
    bool is_version() const noexcept {
        return shape != nullptr && shape->verb == BinaryVerb::version;
    }
    bool is_sasl() const noexcept {
        return shape != nullptr && shape->verb >= BinaryVerb::sasl_list;
    }
    // False if it does not look as its opcode demands. REQUIRES: shape, is_consistent().
    bool is_well_formed() const noexcept;

    std::uint32_t number32(std::size_t offset) const noexcept {
        return lib::load_big<std::uint32_t>(extras.data() + offset);
    }
    std::uint64_t number64(std::size_t offset) const noexcept {
        return lib::load_big<std::uint64_t>(extras.data() + offset);
    }
};

// REQUIRES: at least binary_header_size bytes. Extras and key are taken if they are there whole.
BinaryRequest parse_binary(std::string_view bytes) noexcept;

}  // namespace twincached::protocol
