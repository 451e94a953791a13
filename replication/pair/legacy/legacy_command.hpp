// What two repcacheds (2.0 to 2.3.1) tell each other, and how it is written. The wire is the text
// protocol with one verb more, the same in both directions, without a handshake, an answer, a sign
// of life or a checksum:
//
//     rep <key> <flags> <exptime> <bytes> <cas>\r\n<value>\r\n     the whole item, whatever changed
//     delete <key>\r\n                                             2.2.x: with a time behind it
//     flush_all \r\n                                               with the blank at its end
//     flush_all <unix time>\r\n
//     marugoto_end\r\n                                             what is held has been told
//
// Plain values; any thread.
#pragma once

#include "lib/byte_buffer.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace twincached::replication::pair {

enum class LegacyVerb : std::uint8_t { upsert, removal, flush, flush_later, end_of_dump };

// One of them, as it is read or to be written. What its verb does not carry stays at its default.
struct LegacyCommand {
    LegacyVerb verb = LegacyVerb::end_of_dump;
    std::string_view key{};
    std::string_view value{};
    std::uint32_t flags = 0;    // 2.2.1 and 2.3.1 print them with a sign
    std::int64_t exptime = 0;   // of an item: Unix time, 0 = never; of flush_later: Unix time
    std::uint64_t cas = 0;      // written modulo 2^32, as both versions do
    bool is_too_large = false;  // read: the value was longer than is taken, and was passed over
};

// REQUIRES: may_be_named(command.key) where the verb has a key, and fits(command) of an upsert.
void write_legacy(lib::ByteBuffer& out, const LegacyCommand& command);

// A key that the wire can carry. Binary and meta clients may use blanks and line ends in theirs,
// and those would be read as further words or commands.
bool may_be_named(std::string_view key) noexcept;

// Whether an old node of the usual limit (1 MiB, with what it keeps beside the value) stores it.
// 2.2.1 executes the lines of a value that does not fit, and 2.3.1 gives up the link.
bool fits(const LegacyCommand& upsert) noexcept;

}  // namespace twincached::replication::pair
