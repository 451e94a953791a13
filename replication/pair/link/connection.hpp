// One connection of the Engine, from its opening to its end: its handshake, how far it has come,
// and its bytes on the way in and out. Plain data of the Engine's.
#pragma once

#include "lib/byte_buffer.hpp"
#include "replication/pair/link/handshake.hpp"
#include "replication/pair/timing.hpp"

#include <cstddef>
#include <cstdint>
#include <string>

namespace twincached::replication::pair {

// Chosen by the driver, never used twice.
using ConnectionId = std::uint64_t;

// How far it has come; what stands further down is nearer to its end.
enum class Phase : std::uint8_t {
    handshake,
    complete,  // both HELLOs are there
    chosen,    // node a has sent READY
    session,
    legacy,   // an old node's: see LegacyService
    closing,  // our last word is on its way; what comes in is ignored
    closed,
};

// What becomes of the bytes that are still on their way when a connection is given up.
enum class Parting : std::uint8_t {
    at_once,
    linger,  // our last word must arrive
    reset,   // the end must be noticed, the last word may get lost
};

// A connection whose last word was said is closed after so long if the peer does not do it.
inline constexpr Timing::ms linger_limit{500};

struct Connection {
    Connection(ConnectionId number, const Self& self, Side side, const Nonce& nonce)
        : id(number), handshake(self, side, nonce) {}

    const ConnectionId id;
    Instant opened{0};
    bool is_from_peer = false;  // by its address
    std::string from;  // who called, for lines of log; empty: this node, or it is not known
    Handshake handshake;
    Phase phase = Phase::handshake;
    Instant deadline{0};      // of the phase; a session has none
    lib::ByteBuffer input;    // the beginning of a frame
    lib::ByteBuffer output;   // since the last drain()
    std::size_t waiting = 0;  // bytes that the driver has and the network has not
    bool is_crossed = false;  // another one was taken, nothing is wrong with it
    bool moved = false;       // the network took some since the last drain()
    bool resets = false;      // once it is closed: at once, whatever has not left is dropped

    bool is_dialled() const noexcept { return handshake.side() == Side::dialler; }
    // No session, but it may still become one.
    bool is_candidate() const noexcept {
        return phase == Phase::handshake || phase == Phase::complete || phase == Phase::chosen;
    }
    // Its end, whatever it was. Whoever holds a session on it ends that first.
    void part(Parting parting, Instant now) noexcept {
        phase = parting == Parting::linger ? Phase::closing : Phase::closed;
        resets = parting == Parting::reset;
        deadline = now + linger_limit;
    }
};

}  // namespace twincached::replication::pair
