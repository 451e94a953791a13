// What stands before the frames of a message of the log: who says it, in which session of its own,
// and how far it had come itself when it read what it says. Little-endian:
//
//     0                   1             2            4        5             6             7
//     [ 0xC9            ] [ version 1 ] [ flags    ] [ node ] [ streams n ] [ disbelieved ] [ 0 ]
//     8  hash check: the same on nodes that hash keys alike
//     16 incarnation of the node        24 session, later ones are higher     32 number in it
//     40 era, 0: it is not in step
//     48 n times: tag of the stream: 4, 0: 4, created: 8, consumed: 8
//     .. crc32c of all before it: 4, 0: 4, then frames: BATCH, SEG, LIST, FLUSH, SCHED, or none
//
// In frames the sender's clock is the broker's: milliseconds since 1970. Pure functions, any
// thread.
#pragma once

#include "lib/byte_buffer.hpp"
#include "replication/nats/broker.hpp"
#include "replication/records/wire.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace twincached::replication::nats {

// Own and mirrored together; one for each site.
inline constexpr unsigned streams_limit = 4;

// Which claim what a node holds goes back to: all who are in step and of one era hold the same. Two
// sites that do not hear each other may begin alone, each in an era of its own; when they meet the
// earlier one stays.
using Era = std::uint64_t;
constexpr Era era_of(std::int64_t claimed_ms, unsigned node) noexcept {
    return static_cast<Era>(claimed_ms) << 2U | node;
}

struct StreamProgress {
    std::uint32_t tag = 0;  // tag_of its name: places differ from node to node, names do not
    std::int64_t created = 0;
    Sequence consumed = 0;
};

struct MessageHeader {
    bool is_ready = false;    // its clients may come
    bool is_in_step = false;  // it has all that the log says, and others have all that it knows
    bool claims = false;      // it found nobody in step, and wants to be the one who is
    bool leaves = false;      // it will not be heard any more
    std::uint8_t node = 0;
    std::uint64_t hash_check = 0;
    std::uint64_t incarnation = 0;
    std::uint64_t session = 0;
    std::uint64_t number = 0;
    Era era = 0;  // of what it holds, if it is in step
    std::array<StreamProgress, streams_limit> streams{};
    unsigned stream_count = 0;
    std::uint8_t disbelieved = 0;  // a bit for each node whose last versions it has refused
};

// 24 bytes, as it stands in headers and in questions.
void write_progress(WireWriter& out, const StreamProgress& progress);
StreamProgress read_progress(WireReader& in) noexcept;

std::uint32_t tag_of(std::string_view stream_name) noexcept;

inline constexpr std::size_t message_header_limit = 48 + streams_limit * 24 + 8;

void write_header(lib::ByteBuffer& out, const MessageHeader& header);

struct Message {
    MessageHeader header;
    std::string_view frames;
};
// Nothing: no message of ours.
std::optional<Message> read_message(std::string_view payload) noexcept;

}  // namespace twincached::replication::nats
