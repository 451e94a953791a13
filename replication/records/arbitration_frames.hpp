// The payloads of REQUEST and OUTCOME: an operation that one node asks the other to decide, and
// what came of it. Layouts below; rules A1 and A2 of REPLICATION.md. What is read points into the
// payload. Pure functions, any thread.
//
// 1A: u64 number | u64 sender's steady clock | u8 operation | u8 mode | u16 what is given |
//     u16 key length | u16 0 | u32 client flags | u32 value length | u32 offset | u32 recache below
//     | u64 expiry | u64 compared CAS | u64 explicit CAS | u64 touch | u64 vivify | u64 delta | u64
//     initial | key | a piece of the value
// 1B: u64 number | u64 sender's steady clock | u8 verdict | u8 operation | u8 result | u8 what is
// given |
//     u8 recache | 3 times u8 0 | u64 number or size | u64 CAS | u64 version | u64 expiry |
//     u64 expiry before | u64 last access | u64 accounted bytes | [record]
//
// Times are ms on the sender's steady clock, 0 = never.
#pragma once

#include "lib/byte_buffer.hpp"
#include "lib/function_ref.hpp"
#include "replication/records/data_frames.hpp"
#include "storage/arbiter.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace twincached::replication {

// A value above this travels in several REQUESTs, one behind the other.
inline constexpr std::size_t request_piece_limit = batched_value_limit;
inline constexpr std::size_t request_header_size = 96;

using ToExpiry = lib::FunctionRef<storage::Expiry(std::uint64_t peer_ms)>;

struct RequestHead {
    std::uint64_t number = 0;  // counts up in the session, from 1 on
    std::uint64_t sender_now_ms = 0;
    std::uint32_t offset = 0;  // of the piece
};
// The piece of the value that begins at head.offset. REQUIRES: the key's length is 1 to 250.
void write_request(lib::ByteBuffer& out, const RequestHead& head,
                   const storage::Operation& operation);

struct RequestPiece {
    RequestHead head;
    std::uint32_t total = 0;  // bytes of the whole value
    std::string_view key;
    std::string_view piece;
    // Without its key and value; a whole one is made of all pieces.
    storage::Operation operation;
};
// The operation's expiries are already on this node's clock.
std::optional<RequestPiece> read_request(std::string_view payload, ToExpiry to_expiry);

enum class VerdictWord : std::uint8_t {
    done = 1,
    not_mine = 2,  // the node that was asked does not decide; nothing was done
    unknown = 3,   // it was done, but what it left cannot be told
};

// What is known of the key afterwards travels with it: an item or a removal, or nothing, if the
// item is large. Then it stands before the OUTCOME in the stream.
struct OutcomeFrame {
    std::uint64_t number = 0;
    std::uint64_t sender_now_ms = 0;
    VerdictWord verdict = VerdictWord::done;
    storage::Decision decision;  // an item's value: see the record
    std::optional<WireRecord> record;
};
// REQUIRES: the record's value is not longer than batched_value_limit.
void write_outcome(lib::ByteBuffer& out, const OutcomeFrame& outcome);
// An item of the decision has no value yet: it is the record's.
std::optional<OutcomeFrame> read_outcome(std::string_view payload, ToExpiry to_expiry);

}  // namespace twincached::replication
