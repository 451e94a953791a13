// One call of Conversation::advance, as the readers of the dialects see it: the bytes that have
// come, the room for answers, how many commands may still be executed, and the conversation's state
// that outlives the call. It knows how a command begins and ends in every dialect; which words it
// has is the readers' business. Lives on the stack of that call.
#pragma once

#include "lib/byte_buffer.hpp"
#include "protocol/execution/answer_writer.hpp"
#include "protocol/execution/executor.hpp"
#include "protocol/execution/get_run.hpp"
#include "protocol/execution/keys_ahead.hpp"
#include "protocol/execution/login_gate.hpp"
#include "protocol/execution/output.hpp"
#include "protocol/execution/ticket_list.hpp"
#include "protocol/execution/turn.hpp"
#include "protocol/execution/value_intake.hpp"
#include "protocol/next.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace twincached::protocol {

// What a conversation remembers from one burst to the next, whatever the dialect.
struct ConversationState {
    Executor executor;
    ValueIntake intake{};
    LoginGate gate{};
    AnswerProgress progress{};           // of the request at the front of the input
    std::unique_ptr<Watcher> watcher{};  // once the client watches; null: it does not
    std::uint32_t finished_requests = 0;
    bool was_asked_to_close = false;  // by a verb (quit), not because of what is wrong
};

struct Burst {
    ConversationState& state;
    lib::ByteBuffer& input;
    Output& output;
    const storage::Now& now;
    AnswerWriter answers;
    std::size_t budget;
    // One get may ask for thousands of keys, so commands alone are no measure of work: this many
    // batches, of Executor::batch_limit keys each, take half a millisecond.
    std::size_t batches = 64;
    bool is_run = false;         // a request of it is finished, and may have others behind it
    const char* seen = nullptr;  // in the input: how far was looked ahead

    Turn turn() noexcept { return {state.executor, answers, now, state.progress, batches}; }
    // Others are to have their turn before the next command.
    bool is_spent() const noexcept { return budget == 0 || batches == 0; }

    // Whether the keys of the next requests are to be looked for ahead: a client that pipelines has
    // sent some, and nobody has yet looked at those that come now. The first of a burst is not
    // looked for: most bursts have no second.
    bool may_look_ahead() const noexcept {
        return is_run && state.gate.is_open() &&
               (seen == nullptr || input.readable().data() >= seen) &&
               state.executor.store().is_far();
    }
    void look_ahead(Glance glance) noexcept;

    // Answers the run of gets at the front of the input, or as much of it as can be answered
    // together. False: nothing of it, be it that there is no run.
    template <class Scan, class Execute>
    bool answer_run(Scan scan, Execute execute) {
        GetRun run(input.readable(), budget);
        scan(run);
        if (run.empty()) return false;
        auto its_turn = turn();
        return finish_run(run, execute(its_turn, run));
    }

    // A command was executed, and said how it goes on. What of its answer must wait for the peer is
    // noted; unless it is suspended it is finished: `consumed` bytes of input were its own.
    Next settle(Next outcome, const TicketList::LastAnswer& answer, std::size_t consumed);

    // The request at the front of the input has been dealt with.
    void finish(std::size_t consumed) noexcept;
    void spend(std::size_t commands) noexcept { budget -= std::min(budget, commands); }

  private:
    bool finish_run(const GetRun& run, std::size_t count) noexcept;
    bool must_be_confirmed(const TicketList::LastAnswer& answer);
};

}  // namespace twincached::protocol
