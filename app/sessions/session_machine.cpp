#include "app/sessions/session_machine.hpp"

#include <utility>

namespace twincached::app {

using protocol::Next;

SessionAction SessionMachine::begin_turn(PendingOutput pending) noexcept {
    reads_ = 0;
    is_said_now_ = false;
    waited_for_peer_ = std::exchange(waits_for_peer_, false);
    // What is gathered stays where it is until the rest of what came with it is executed.
    if (pending == PendingOutput::none || gathers_) return go_on();
    return deliver(pending);
}

SessionAction SessionMachine::advanced(Next next, PendingOutput pending) noexcept {
    next_ = next;
    is_said_now_ = true;
    // What has come together is waited for together.
    gathers_ = next == Next::yield && pending == PendingOutput::guarded;
    if (pending == PendingOutput::none || gathers_) return go_on();
    return deliver(pending);
}

SessionAction SessionMachine::resume(SessionEvent event) noexcept {
    switch (event) {
        case SessionEvent::received:
        case SessionEvent::received_all:
            may_be_more_ = event == SessionEvent::received_all;
            return SessionAction::advance;
        case SessionEvent::nothing_came:
            may_be_more_ = false;
            return SessionAction::wait_for_input;
        case SessionEvent::lines_may_wait:
            may_be_more_ = false;
            return SessionAction::advance;
        case SessionEvent::confirmed:
            return SessionAction::write;
        case SessionEvent::unconfirmed:
            waits_for_peer_ = true;
            return SessionAction::wait_for_peer;
        case SessionEvent::written:
            return go_on();
        case SessionEvent::written_share:
            return SessionAction::pause;  // what is left, or comes next, the next turn sees
        case SessionEvent::blocked:
            return SessionAction::wait_for_room;
        case SessionEvent::lost:
            return SessionAction::end;
    }
    return SessionAction::end;
}

SessionAction SessionMachine::deliver(PendingOutput pending) noexcept {
    return pending == PendingOutput::guarded ? SessionAction::confirm : SessionAction::write;
}

// Nothing is left to be written, or it is held.
SessionAction SessionMachine::go_on() noexcept {
    switch (next_) {
        case Next::read_more:
            return read();
        case Next::yield:
            return is_said_now_ ? SessionAction::pause : SessionAction::advance;
        case Next::await_login:
            return is_said_now_ ? SessionAction::wait_for_login : SessionAction::advance;
        case Next::await_decision:
            return is_said_now_ ? SessionAction::wait_for_decision : SessionAction::advance;
        case Next::write_first:
        case Next::go_on:
            return SessionAction::advance;
        case Next::close:
            return SessionAction::end;
    }
    return SessionAction::end;
}

// A read that will find nothing costs a system call. A turn that was begun by the other node tells
// nothing about the client; any other that finds no output to write was begun by its input.
SessionAction SessionMachine::read() noexcept {
    const bool is_called_for = !is_said_now_ && !waited_for_peer_;
    if (!may_be_more_ && !is_called_for) return SessionAction::wait_for_input;
    if (reads_ == reads_per_turn) return SessionAction::pause;
    ++reads_;
    return SessionAction::read;
}

}  // namespace twincached::app
