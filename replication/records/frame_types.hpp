// Every frame of the link, once: its number, its name, whose it is, how it is delivered and how
// long its payload may be. Whoever reads, writes, sorts or refuses frames looks here; there is no
// second list. To add a frame: an enumerator and a row here, its payload in data_frames (or in the
// link's control_frames), and the branch that takes it in the room that owns it.
// Source: REPLICATION.md section 8. Pure constants, any thread.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace twincached::replication {

enum class FrameType : std::uint8_t {
    challenge = 0x01,
    proof = 0x02,
    hello = 0x03,
    ready = 0x04,
    batch = 0x10,
    segment = 0x11,
    list = 0x12,
    digest = 0x13,
    flush = 0x14,
    schedule = 0x15,
    hint = 0x16,
    scrub = 0x17,
    scrub_want = 0x18,
    scrub_list = 0x19,
    request = 0x1A,
    outcome = 0x1B,
    removed = 0x1C,
    ack = 0x20,
    ping = 0x21,
    pong = 0x22,
    state = 0x23,
    order = 0x24,
    bye = 0x2F,
    error = 0x30,
};

// Who takes a frame that has arrived.
enum class FrameOwner : std::uint8_t {
    handshake,  // before there is a session
    link,       // heartbeats, and what ends a connection or a session
    exchange,   // what a session carries
    arbiter,    // what one node decides for both
    cluster,    // what stands in the log of a cluster alone
};

// What its sequence number must be.
enum class FrameOrder : std::uint8_t {
    loose,     // 0: it may be lost, and nobody acknowledges it
    numbered,  // the next one of its session: applied in order, acknowledged
    either,    // numbered it asks, loose it answers
};

inline constexpr std::size_t frame_payload_limit = 1U << 20;
// What a peer that has not proved itself may send: the largest CHALLENGE fits.
inline constexpr std::size_t frame_payload_limit_unproven = 512;
// A reason and a text.
inline constexpr std::size_t farewell_payload_limit = 3 + 0xFFFF;

struct FrameRow {
    FrameType type;
    std::string_view name;  // as REPLICATION.md writes it
    FrameOwner owner;
    FrameOrder order;
    std::size_t payload_limit;  // bytes; a longer frame is no frame of ours
};

inline constexpr std::array frame_rows{
    FrameRow{FrameType::challenge, "CHALLENGE", FrameOwner::handshake, FrameOrder::loose,
             frame_payload_limit_unproven},
    FrameRow{FrameType::proof, "PROOF", FrameOwner::handshake, FrameOrder::loose,
             frame_payload_limit_unproven},
    // May go on with what later versions add.
    FrameRow{FrameType::hello, "HELLO", FrameOwner::handshake, FrameOrder::loose,
             frame_payload_limit},
    FrameRow{FrameType::ready, "READY", FrameOwner::handshake, FrameOrder::loose, 0},
    FrameRow{FrameType::batch, "BATCH", FrameOwner::exchange, FrameOrder::numbered,
             frame_payload_limit},
    FrameRow{FrameType::segment, "SEG", FrameOwner::exchange, FrameOrder::numbered,
             frame_payload_limit},
    FrameRow{FrameType::list, "LIST", FrameOwner::exchange, FrameOrder::numbered,
             frame_payload_limit},
    FrameRow{FrameType::digest, "DIGEST", FrameOwner::exchange, FrameOrder::either,
             frame_payload_limit},
    FrameRow{FrameType::flush, "FLUSH", FrameOwner::exchange, FrameOrder::numbered, 8},
    FrameRow{FrameType::schedule, "SCHED", FrameOwner::exchange, FrameOrder::numbered, 24},
    FrameRow{FrameType::hint, "HINT", FrameOwner::exchange, FrameOrder::loose, frame_payload_limit},
    FrameRow{FrameType::scrub, "SCRUB", FrameOwner::exchange, FrameOrder::loose,
             frame_payload_limit},
    FrameRow{FrameType::scrub_want, "SCRUB_WANT", FrameOwner::exchange, FrameOrder::loose,
             frame_payload_limit},
    FrameRow{FrameType::scrub_list, "SCRUB_LIST", FrameOwner::exchange, FrameOrder::loose,
             frame_payload_limit},
    FrameRow{FrameType::request, "REQUEST", FrameOwner::arbiter, FrameOrder::loose,
             frame_payload_limit},
    FrameRow{FrameType::outcome, "OUTCOME", FrameOwner::arbiter, FrameOrder::loose,
             frame_payload_limit},
    FrameRow{FrameType::removed, "REMOVED", FrameOwner::cluster, FrameOrder::numbered,
             frame_payload_limit},
    FrameRow{FrameType::ack, "ACK", FrameOwner::exchange, FrameOrder::loose, frame_payload_limit},
    FrameRow{FrameType::ping, "PING", FrameOwner::link, FrameOrder::loose, 44},
    FrameRow{FrameType::pong, "PONG", FrameOwner::link, FrameOrder::loose, 12},
    FrameRow{FrameType::state, "STATE", FrameOwner::link, FrameOrder::loose, 24},
    // What an operator told the other node, as one word.
    FrameRow{FrameType::order, "ORDER", FrameOwner::link, FrameOrder::loose, 1},
    FrameRow{FrameType::bye, "BYE", FrameOwner::link, FrameOrder::loose, farewell_payload_limit},
    FrameRow{FrameType::error, "ERROR", FrameOwner::link, FrameOrder::loose,
             farewell_payload_limit},
};

// Null: no frame that this version knows.
constexpr const FrameRow* find_frame(FrameType type) noexcept {
    const auto* row = std::find_if(frame_rows.begin(), frame_rows.end(),
                                   [type](const FrameRow& one) { return one.type == type; });
    return row == frame_rows.end() ? nullptr : row;
}

constexpr bool is_owned_by(FrameOwner owner, FrameType type) noexcept {
    const auto* row = find_frame(type);
    return row != nullptr && row->owner == owner;
}

// How long the payload of such a frame may be, in bytes; of an unknown one as long as of any.
constexpr std::size_t payload_limit_of(FrameType type) noexcept {
    const auto* row = find_frame(type);
    return row == nullptr ? frame_payload_limit : row->payload_limit;
}

}  // namespace twincached::replication
