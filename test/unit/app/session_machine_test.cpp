#include "app/sessions/session_machine.hpp"

#include <catch2/catch.hpp>

namespace twincached::app {
namespace {

using Event = SessionEvent;
using Pending = PendingOutput;
using protocol::Next;

// A session that has read something which the conversation is to work on.
SessionMachine after_read(Event event = Event::received) {
    SessionMachine machine;
    REQUIRE(machine.begin_turn(Pending::none) == SessionAction::read);
    REQUIRE(machine.resume(event) == SessionAction::advance);
    return machine;
}

}  // namespace

TEST_CASE("a request is read, executed, answered, and the next one waited for") {
    auto machine = after_read();
    CHECK(machine.advanced(Next::read_more, Pending::free) == SessionAction::write);
    CHECK(machine.resume(Event::written) == SessionAction::wait_for_input);
}

TEST_CASE("a read that filled its room is followed by another") {
    auto machine = after_read(Event::received_all);
    CHECK(machine.advanced(Next::read_more, Pending::none) == SessionAction::read);
    CHECK(machine.resume(Event::nothing_came) == SessionAction::wait_for_input);
}

TEST_CASE("a client with a full pipe lets others have their turn after so many reads") {
    SessionMachine machine;
    auto action = machine.begin_turn(Pending::none);
    for (int reads = 0; reads < SessionMachine::reads_per_turn; ++reads) {
        REQUIRE(action == SessionAction::read);
        REQUIRE(machine.resume(Event::received_all) == SessionAction::advance);
        action = machine.advanced(Next::read_more, Pending::none);
    }
    CHECK(action == SessionAction::pause);
    CHECK(machine.begin_turn(Pending::none) == SessionAction::read);
}

TEST_CASE("while a client does not read, nothing is read from it") {
    auto machine = after_read();
    CHECK(machine.advanced(Next::write_first, Pending::free) == SessionAction::write);
    CHECK(machine.resume(Event::blocked) == SessionAction::wait_for_room);
    CHECK(machine.begin_turn(Pending::free) == SessionAction::write);
    CHECK(machine.resume(Event::blocked) == SessionAction::wait_for_room);
    CHECK(machine.begin_turn(Pending::free) == SessionAction::write);
    CHECK(machine.resume(Event::written) == SessionAction::advance);
}

TEST_CASE("a full output is written before the conversation goes on") {
    auto machine = after_read();
    CHECK(machine.advanced(Next::write_first, Pending::free) == SessionAction::write);
    CHECK(machine.resume(Event::written) == SessionAction::advance);
}

TEST_CASE("who is sent as much as one turn may pauses, however fast it reads") {
    auto machine = after_read();
    CHECK(machine.advanced(Next::write_first, Pending::free) == SessionAction::write);
    CHECK(machine.resume(Event::written_share) == SessionAction::pause);
    SECTION("and is sent the rest, and answered on, when it is its turn again") {
        CHECK(machine.begin_turn(Pending::free) == SessionAction::write);
        CHECK(machine.resume(Event::written) == SessionAction::advance);
    }
    SECTION("and is answered on at once if nothing of it is left") {
        CHECK(machine.begin_turn(Pending::none) == SessionAction::advance);
    }
}

TEST_CASE("a last answer longer than one turn may be is written whole before the end") {
    auto machine = after_read();
    CHECK(machine.advanced(Next::close, Pending::free) == SessionAction::write);
    CHECK(machine.resume(Event::written_share) == SessionAction::pause);
    CHECK(machine.begin_turn(Pending::free) == SessionAction::write);
    CHECK(machine.resume(Event::written_share) == SessionAction::pause);
    CHECK(machine.begin_turn(Pending::none) == SessionAction::end);
}

TEST_CASE("who has used up its requests pauses, and goes on without reading") {
    auto machine = after_read();
    CHECK(machine.advanced(Next::yield, Pending::free) == SessionAction::write);
    CHECK(machine.resume(Event::written) == SessionAction::pause);
    CHECK(machine.begin_turn(Pending::none) == SessionAction::advance);
}

TEST_CASE("a connection is closed when its last answer is written") {
    auto machine = after_read();
    CHECK(machine.advanced(Next::close, Pending::free) == SessionAction::write);
    CHECK(machine.resume(Event::blocked) == SessionAction::wait_for_room);
    CHECK(machine.begin_turn(Pending::free) == SessionAction::write);
    CHECK(machine.resume(Event::written) == SessionAction::end);
}

TEST_CASE("a connection is closed at once when nothing is left to say, or the client is gone") {
    CHECK(after_read().advanced(Next::close, Pending::none) == SessionAction::end);
    SessionMachine machine;
    CHECK(machine.begin_turn(Pending::none) == SessionAction::read);
    CHECK(machine.resume(Event::lost) == SessionAction::end);
}

TEST_CASE("an answer that speaks of a change is not written before the other node has it") {
    auto machine = after_read();
    CHECK(machine.advanced(Next::read_more, Pending::guarded) == SessionAction::confirm);
    CHECK(machine.resume(Event::unconfirmed) == SessionAction::wait_for_peer);
    CHECK(machine.begin_turn(Pending::guarded) == SessionAction::confirm);
    CHECK(machine.resume(Event::unconfirmed) == SessionAction::wait_for_peer);
    CHECK(machine.begin_turn(Pending::guarded) == SessionAction::confirm);
    CHECK(machine.resume(Event::confirmed) == SessionAction::write);
}

TEST_CASE("a turn that the other node began ends without a read that would find nothing") {
    auto machine = after_read();
    REQUIRE(machine.advanced(Next::read_more, Pending::guarded) == SessionAction::confirm);
    REQUIRE(machine.resume(Event::unconfirmed) == SessionAction::wait_for_peer);
    REQUIRE(machine.begin_turn(Pending::guarded) == SessionAction::confirm);
    REQUIRE(machine.resume(Event::confirmed) == SessionAction::write);
    CHECK(machine.resume(Event::written) == SessionAction::wait_for_input);
    // The next turn is begun by the client again.
    CHECK(machine.begin_turn(Pending::none) == SessionAction::read);
}

TEST_CASE("a turn that the other node began reads on where the pipe was full") {
    auto machine = after_read(Event::received_all);
    REQUIRE(machine.advanced(Next::read_more, Pending::guarded) == SessionAction::confirm);
    REQUIRE(machine.resume(Event::unconfirmed) == SessionAction::wait_for_peer);
    REQUIRE(machine.begin_turn(Pending::guarded) == SessionAction::confirm);
    REQUIRE(machine.resume(Event::confirmed) == SessionAction::write);
    CHECK(machine.resume(Event::written) == SessionAction::read);
}

TEST_CASE("changes that came together are waited for together") {
    auto machine = after_read();
    CHECK(machine.advanced(Next::yield, Pending::guarded) == SessionAction::pause);
    CHECK(machine.begin_turn(Pending::guarded) == SessionAction::advance);
    CHECK(machine.advanced(Next::read_more, Pending::guarded) == SessionAction::confirm);
}

TEST_CASE("one who watches is told what came while it said nothing") {
    SessionMachine machine;
    REQUIRE(machine.begin_turn(Pending::none) == SessionAction::read);
    CHECK(machine.resume(Event::lines_may_wait) == SessionAction::advance);
    CHECK(machine.advanced(Next::read_more, Pending::free) == SessionAction::write);
    CHECK(machine.resume(Event::written) == SessionAction::wait_for_input);
}

TEST_CASE("a session waits for its login once its answers are out, and looks again when woken") {
    auto machine = after_read();
    CHECK(machine.advanced(Next::await_login, Pending::free) == SessionAction::write);
    CHECK(machine.resume(Event::written) == SessionAction::wait_for_login);
    CHECK(machine.begin_turn(Pending::none) == SessionAction::advance);
    CHECK(machine.advanced(Next::await_login, Pending::none) == SessionAction::wait_for_login);
    CHECK(machine.begin_turn(Pending::none) == SessionAction::advance);
    CHECK(machine.advanced(Next::read_more, Pending::free) == SessionAction::write);
    CHECK(machine.resume(Event::written) == SessionAction::wait_for_input);
}

}  // namespace twincached::app
