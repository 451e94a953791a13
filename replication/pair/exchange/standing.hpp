// Where a node stands when it meets its peer: the exchange's half of a HELLO. The exchange says it
// of itself, the link carries it there, and the peer's exchange judges by it and begins with it.
// Plain values. Source: REPLICATION.md section 8 and rule R12.
#pragma once

#include "replication/records/frame.hpp"
#include "storage/version.hpp"

#include <cstdint>

namespace twincached::replication::pair {

// How far two incarnations have come with each other. From both sides' numbers each can tell
// whether one of them has been put back to an earlier state (a restored snapshot). A node numbers
// the sessions that it begins; frames are counted from 0 in each.
struct SharedPast {
    std::uint64_t session = 0;        // of the sender: its last one
    std::uint64_t sent = 0;           // reliable frames in it
    std::uint64_t applied = 0;        // the receiver's, in it
    std::uint64_t heard_session = 0;  // of the receiver: the last one that it was heard in
    std::uint64_t heard_applied = 0;  // its reliable frames applied in that
    std::uint64_t heard_acked = 0;    // the sender's own that it acknowledged in that
};

// What a node understands beyond the first protocol version's frames: bits of `capabilities`.
inline constexpr std::uint64_t capability_digests = 1;
inline constexpr std::uint64_t capability_hints = 2;
inline constexpr std::uint64_t capability_orders = 8;  // ORDER, and a HELLO's primary_by_order
// Not what it understands, but what it is: its items were kept by a node that stood alone.
inline constexpr std::uint64_t capability_adopted = 4;

struct Standing {
    std::uint64_t epoch = 0;       // incarnation of the sender
    std::uint64_t peer_epoch = 0;  // incarnation of the receiver that the sender's log is about
    SharedPast past{};
    std::uint64_t version_time = 0;  // highest t of all shards (storage::time_of)
    storage::Version flush_version = 0;
    std::uint64_t schedule_at_ms = 0;  // a flush to come, on the sender's steady clock; 0 = none
    storage::Version schedule_version = 0;
    std::uint64_t items = 0;
    std::uint32_t dirty_buckets = 0;
    std::uint64_t steady_ms = 0;  // the sender's clocks when it wrote this
    std::uint64_t version_ms = 0;
    std::uint64_t capabilities = 0;

    // Filled in by the link.
    std::uint64_t item_size_limit = 0;         // bytes; 0: the sender does not say
    std::uint16_t protocol = protocol_newest;  // that the two agreed on; not on the wire
};

// Whether what a node says of its versions can be true: nothing further ahead than the gate lets
// pass, and no flush that its own clock has not passed, which would be one of all writes to come.
constexpr bool is_credible(const Standing& standing, const storage::VersionGate& gate) noexcept {
    return gate.admits_time(standing.version_time) &&
           storage::time_of(standing.flush_version) <= standing.version_time &&
           storage::time_of(standing.schedule_version) <= standing.version_time;
}

}  // namespace twincached::replication::pair
