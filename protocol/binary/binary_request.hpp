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
#include "protocol/execution/effect.hpp"
#include "protocol/next.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace twincached::protocol {

inline constexpr unsigned char binary_request_magic = 0x80;
inline constexpr unsigned char binary_answer_magic = 0x81;
inline constexpr std::size_t binary_header_size = 24;

struct BinaryRequest;
struct Turn;

using ExecuteBinary = Next (*)(Turn& turn, const BinaryRequest& request);

// Who may send it: a client that has logged in where it must, or one that is about to.
enum class BinaryAccess : std::uint8_t { after_login, always, login };
enum class BinaryKey : std::uint8_t { none, optional, required };

// An opcode: what a request of it must look like, what is done then, and whether that changes what
// is stored. A row of the table in binary_verbs.cpp, which is written with the functions below.
struct BinaryShape {
    std::uint8_t opcode;
    ExecuteBinary execute;
    std::uint8_t extras = 0;  // bytes
    Effect effect = Effect::none;
    BinaryKey key = BinaryKey::none;
    BinaryAccess access = BinaryAccess::after_login;
    bool extras_optional = false;
    bool has_value = false;
    bool is_quiet = false;  // silent when it succeeds, or, if it reads, when it misses
    bool returns_key = false;
    bool joins_run = false;  // a get: those that come together are looked up together

    // The same command by its quiet opcode, and by the one whose answer repeats the key. Written
    // behind a row, so that a quiet opcode cannot differ from its loud one in anything else.
    constexpr BinaryShape quiet() const noexcept {
        auto shape = *this;
        shape.is_quiet = true;
        return shape;
    }
    constexpr BinaryShape with_key() const noexcept {
        auto shape = *this;
        shape.returns_key = true;
        return shape;
    }
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
    // False if its opcode is not known.
    bool has_access(BinaryAccess access) const noexcept {
        return shape != nullptr && shape->access == access;
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
// The shape is not looked up: see find_shape.
BinaryRequest parse_binary(std::string_view bytes) noexcept;

}  // namespace twincached::protocol
