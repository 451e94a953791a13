// What a conversation has asked another node to decide (arbitrate): one request at a time, for what
// follows waits for it. Asked again with the same request, it says what came of that. It takes a
// pointer until the first is asked. Owned by the executor, whose thread alone calls it.
#pragma once

#include "protocol/execution/client_origin.hpp"
#include "storage/arbiter.hpp"

#include <cstdint>
#include <memory>
#include <utility>

namespace twincached::protocol {

// Why an executor has no result to give.
enum class Undecided : std::uint8_t {
    no,       // it has one
    awaited,  // the same request is to be executed again when the origin's waker was called
    unknown,  // it was executed once, or not at all: nobody can tell
    no_room,  // nothing was asked, for too much is, or this client cannot wait
};

class Elsewhere {
  public:
    using Asked = std::shared_ptr<storage::Question>;

    // Is such a change asked for there, now? A request that is under way goes on in any case.
    bool asks(const storage::Arbiter& arbiter, bool is_conditional) const noexcept {
        const auto least =
            is_conditional ? storage::Arbitration::conditional : storage::Arbitration::all;
        return has_question() || arbiter.scope() >= least;
    }
    // What was decided; `make` gives the operation, should it have to be asked. Null: nothing is.
    // Then, unless is_undecided(), this node is to decide.
    template <class Make>
    Asked decide(storage::Arbiter& arbiter, const ClientOrigin& origin, Make make) {
        if (!state_) state_ = std::make_unique<State>();
        if (is_settled()) {
            auto settled = std::exchange(state_->question, nullptr);
            const auto became = settled->state();
            if (became == storage::Question::State::decided) return settled;
            if (became == storage::Question::State::unknown) state_->why = Undecided::unknown;
            // What was not done is asked again, if anybody is to be asked still.
            if (is_undecided() || arbiter.scope() == storage::Arbitration::off) return nullptr;
        }
        // Whoever waits is told by his waker; who has none is not made to wait.
        if (origin.waker != nullptr && !has_question())
            state_->question = arbiter.ask(make(), origin.arbiter_waiter);
        state_->why = has_question() ? Undecided::awaited : Undecided::no_room;
        return nullptr;
    }

    bool has_question() const noexcept { return state_ && state_->question; }
    // Something came of it.
    bool is_settled() const noexcept {
        return has_question() && state_->question->state() != storage::Question::State::asked;
    }
    // The executor's last call has no result. Why is given once.
    bool is_undecided() const noexcept { return state_ && state_->why != Undecided::no; }
    Undecided take_why() noexcept {
        return state_ ? std::exchange(state_->why, Undecided::no) : Undecided::no;
    }

  private:
    struct State {
        Asked question;
        Undecided why = Undecided::no;
    };
    std::unique_ptr<State> state_;  // null: nothing was ever asked
};

}  // namespace twincached::protocol
