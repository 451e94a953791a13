// One client's conversation, without a socket: bytes in, answers out. It gives the same answers
// however its input is split. Owned by one session, called by one thread. While nothing is under
// way it holds no memory beside itself. The first byte decides which protocol is spoken, and with
// it which reader takes the requests out of the input; what both share is beside the executor:
//
//     input -+-> TextReader ---+-> ValueIntake, LoginGate -> Executor -> store
//            '-> PacketReader -'                                |
//     output <----- answers of the dialect's writer <-----------'
//
// It is not the session: it knows no socket, no time but the one it is given, and writes nothing.
// It keeps the budget of a burst and the high-water mark of the output, so that one client can hold
// neither the thread nor memory.
//
// The session's loop:
//     read into conversation.value_target() if it is not empty, else into `input`;
//     tell it (value_received) or do nothing;
//     next = conversation.advance(input, output, now);
//     read_more   -> write what `output` holds, then read
//     write_first -> write until `output` is empty, then advance again (output high-water mark)
//     yield       -> write, let others run, then advance again (command budget, -R)
//     close       -> write what `output` holds, then close
// If unconfirmed() is not empty, nothing of `output` may be written before the peer has these
// changes (ack mode `received`); then, or if it is not waited for any longer, call confirm(), or
// refuse() where an answer must not be given without the peer.
#pragma once

#include "lib/byte_buffer.hpp"
#include "protocol/binary/packet_reader.hpp"
#include "protocol/execution/burst.hpp"
#include "protocol/execution/executor.hpp"
#include "protocol/execution/output.hpp"
#include "protocol/execution/service.hpp"
#include "protocol/next.hpp"
#include "protocol/text/text_reader.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace twincached::protocol {

// What a conversation is in the middle of, for `stats conns` and for deadlines.
enum class ConversationPhase : std::uint8_t {
    idle,        // nothing is half received
    in_line,     // a line, or a packet's head, is not whole
    in_value,    // the value behind it is not
    swallowing,  // a refused value is skipped
    watching,    // the client only reads
    closing,     // it will be closed once its answers are written
};

class Conversation {
  public:
    // Both must outlive it. `counters` belong to the thread that will call advance().
    Conversation(Service& service, ThreadCounters& counters, const ClientOrigin& origin = {});
    Conversation(const Conversation&) = delete;
    Conversation& operator=(const Conversation&) = delete;

    // Executes every request that is whole in `input`, up to the budget, and appends the answers.
    // What it has dealt with is consumed. Never says Next::go_on. `now` holds for the whole burst.
    Next advance(lib::ByteBuffer& input, Output& output, const storage::Now& now);

    // Ack mode `received`: the changes that the answers in the output speak of, the last one of
    // each shard. Empty in every other mode.
    std::span<const storage::Ticket> unconfirmed() const noexcept;
    // REQUIRES, as for refuse(): unconfirmed() is not empty.
    void confirm() noexcept;
    // Turns the last answer into an error. False: it is too late, the client must be closed.
    [[nodiscard]] bool refuse(Output& output);

    // While a large value arrives: where its bytes belong. Empty: read into the input buffer.
    std::span<char> value_target() noexcept { return state_.intake.target(); }
    // REQUIRES: count <= value_target().size().
    void value_received(std::size_t count) noexcept { state_.intake.received(count); }

    ConversationPhase phase() const noexcept { return phase_; }
    // How many requests were dealt with; wraps.
    std::uint32_t finished_requests() const noexcept { return state_.finished_requests; }
    // A request has been answered in part, and goes on when `advance` is called again.
    bool is_suspended() const noexcept { return state_.progress.started; }
    // It said Next::await_decision, and is to go on.
    bool is_decided() const noexcept { return state_.executor.elsewhere().is_settled(); }
    // It said Next::close because the client asked for it, not because of what is wrong.
    bool was_asked_to_close() const noexcept { return state_.was_asked_to_close; }
    // It said Next::close because logins failed too often.
    bool was_shut_out() const noexcept { return state_.gate.is_exhausted(); }
    // True if the connection may be closed without cutting a request or an answer.
    bool at_boundary() const noexcept {
        return phase() == ConversationPhase::idle || phase() == ConversationPhase::watching;
    }
    // From now on the client only reads: what comes from it is ignored, and what it is told no
    // request causes. `advance` brings it out; the origin's waker says when there is something.
    bool is_watching() const noexcept { return state_.watcher != nullptr; }

  private:
    enum class Dialect : std::uint8_t { unknown, text, binary, refused };

    Next step(Burst& burst);
    Next next_request(Burst& burst);
    Next serve_request(Burst& burst);
    Next measure_request(Burst& burst);
    Next receive_large_value(Burst& burst);
    Next report(Burst& burst);
    void begin_dialect(std::string_view input) noexcept;
    Dialect dialect_of(std::string_view input) const noexcept;
    void note_phase(const lib::ByteBuffer& input, Next next) noexcept;

    ConversationState state_;                 // what both readers work with
    [[no_unique_address]] TextReader lines_;  // what is left behind it takes what follows
    [[no_unique_address]] PacketReader packets_;
    ConversationPhase phase_ = ConversationPhase::idle;
    Dialect dialect_ = Dialect::unknown;  // until the first byte; then it stays
};

}  // namespace twincached::protocol
