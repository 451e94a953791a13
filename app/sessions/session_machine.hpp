// What a session does next: a state machine without a socket. It is told what came of the last
// action and says the next one; the session performs it. A turn begins with begin_turn() and ends
// with an action that waits. Owned by its session; its io thread alone calls it.
//
//     begin_turn -> read -> advance -> confirm -> write -> (advance or read again)
//                     ^        |  '------------^   |   '-> wait_for_input, pause, end
//                     |        |   (nobody to ask) |
//                     '--------' (nothing to say)  '-> wait_for_room
//                                  confirm -> wait_for_peer
//
// A turn is short whatever the client does: so many reads, so much work of the conversation
// (Next::yield), so many bytes written; then it pauses, however fast its client reads.
//
// While output is pending nothing is read, so a client that does not read is given no memory.
#pragma once

#include "protocol/next.hpp"

#include <cstdint>

namespace twincached::app {

enum class SessionAction : std::uint8_t {
    // Within a turn; each is answered with what came of it.
    read,     // what has arrived, into the input or straight into a value's place
    advance,  // let the conversation work on the input
    confirm,  // ask whether the other node has what the output speaks of
    write,    // what the output holds
    // The end of a turn: what the session waits for.
    wait_for_input,
    wait_for_room,      // its client must read first
    wait_for_peer,      // the other node is to confirm a change before its answer leaves
    wait_for_login,     // its login is being judged
    wait_for_decision,  // the other node decides what it asked for
    pause,              // nothing: others are to have their turn before it goes on
    end,                // to be closed
};

constexpr bool ends_turn(SessionAction action) noexcept {
    return action >= SessionAction::wait_for_input;
}

// What the output holds.
enum class PendingOutput : std::uint8_t {
    none,
    free,     // it may leave
    guarded,  // it speaks of changes that the other node is to have first
};

// What came of an action; advance is answered with advanced() instead.
enum class SessionEvent : std::uint8_t {
    received,      // some, and the kernel had no more
    received_all,  // as much as there was room for: there may be more
    nothing_came,
    lines_may_wait,  // nothing came, but one who watches may have something to read
    confirmed,       // what the output holds may leave
    unconfirmed,     // not yet
    written,         // all of it
    written_share,   // as much as one turn may: others are to have theirs
    blocked,         // the socket takes no more now
    lost,            // the client is gone, or must be
};

class SessionMachine {
  public:
    // Reads of one turn, so that a client with a full pipe cannot keep the thread to itself.
    static constexpr std::uint8_t reads_per_turn = 8;

    // The first action of a turn. `pending`: what an earlier turn left to be written.
    SessionAction begin_turn(PendingOutput pending) noexcept;
    // What the conversation said, and what it left in the output.
    SessionAction advanced(protocol::Next next, PendingOutput pending) noexcept;
    // What came of any other action. REQUIRES: it was the last one said.
    SessionAction resume(SessionEvent event) noexcept;

  private:
    SessionAction deliver(PendingOutput pending) noexcept;
    SessionAction go_on() noexcept;
    SessionAction read() noexcept;

    protocol::Next next_ = protocol::Next::read_more;  // what the conversation said last
    bool is_said_now_ = false;                         // in this turn
    bool gathers_ = false;      // answers are held until all that came together is executed
    bool may_be_more_ = false;  // the last read filled its room
    bool waits_for_peer_ = false;
    bool waited_for_peer_ = false;  // before this turn
    std::uint8_t reads_ = 0;        // of this turn
};

}  // namespace twincached::app
