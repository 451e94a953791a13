// The frame: what the bytes between two nodes are cut into. This file knows the header and its
// checksum; frame_types.hpp has the table of all types; what stands in the payloads is known by
// data_frames.hpp (mutations, what buckets hold, acknowledgements) and by each driver for the
// frames with which it makes itself known and keeps its link (the pair's:
// replication/pair/link/control_frames.hpp).
//
//    0        1        2                 4                             8
//    [ 0xC7 ] [ type ] [ flags         ] [ payload length            ]
//    8                                                                16
//    [ sequence number of a reliable frame, 0 of an unreliable one   ]
//    16                                  20                           24
//    [ crc32c of bytes 0-15 and payload ] [ 0                        ] payload ...
//
// Little-endian. Source: REPLICATION.md section 8. Pure functions, any thread.
#pragma once

#include "lib/byte_buffer.hpp"
#include "replication/records/frame_types.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace twincached::replication {

// The versions of the link's protocol that this program speaks; of two nodes' the newest that both
// know is used, so that a pair can be upgraded one node at a time.
//   1: the first
//   2: a HELLO ends with the sender's settings, and may go on with what later versions add; SCRUB
//   3: STATE tells who decides for both; REQUEST and OUTCOME
inline constexpr std::uint16_t protocol_oldest = 1;
inline constexpr std::uint16_t protocol_newest = 3;
inline constexpr std::uint16_t protocol_with_arbitration = 3;

inline constexpr std::uint8_t frame_magic = 0xC7;
inline constexpr std::size_t frame_header_size = 24;
// A frame of unknown type with this flag may be skipped; without it, the session must end.
inline constexpr std::uint16_t frame_ignorable = 0x8000;

// A whole frame with a valid checksum. The payload points into the bytes that were read.
struct Frame {
    FrameType type = FrameType::ready;  // may be a number without a row: find_frame
    std::uint16_t flags = 0;
    std::uint64_t seq = 0;
    std::string_view payload;

    bool is_ignorable() const noexcept { return (flags & frame_ignorable) != 0; }
};

// Whether it has a sequence number where its row in the table says so, and none where not.
constexpr bool is_in_order(const Frame& frame) noexcept {
    const auto* row = find_frame(frame.type);
    if (row == nullptr || row->order == FrameOrder::either) return true;
    return (frame.seq != 0) == (row->order == FrameOrder::numbered);
}

enum class FrameStatus : std::uint8_t {
    complete,   // `frame` holds it; consume `size` bytes
    need_more,  // `size` is how many bytes are needed at least, counted from the first
    malformed,  // no frame of ours: wrong magic, too long, checksum wrong; end the session
};

struct FrameRead {
    FrameStatus status = FrameStatus::need_more;
    std::size_t size = 0;
    Frame frame;
};

// Reads the first frame of `bytes`. Rejects a bad start as soon as its first byte is there, and
// a length above `payload_limit`, or above what its type may have, as soon as the header is.
FrameRead read_frame(std::string_view bytes,
                     std::size_t payload_limit = frame_payload_limit) noexcept;

// Writes one frame: construct it, append the payload to the same buffer, then finish(), or
// cancel() to leave the buffer as it was. The buffer's front must not be consumed meanwhile.
class FrameWriter {
  public:
    FrameWriter(lib::ByteBuffer& out, FrameType type, std::uint64_t seq = 0,
                std::uint16_t flags = 0);
    FrameWriter(const FrameWriter&) = delete;
    FrameWriter& operator=(const FrameWriter&) = delete;

    std::size_t payload_size() const noexcept;
    // Fills in length and checksum. REQUIRES: payload_size() <= payload_limit_of(type).
    void finish() noexcept;
    void cancel() noexcept;

  private:
    lib::ByteBuffer& out_;
    std::size_t start_;
    std::uint64_t seq_;
    FrameType type_;
    std::uint16_t flags_;
};

// A frame without payload (READY).
void write_empty_frame(lib::ByteBuffer& out, FrameType type);

}  // namespace twincached::replication
