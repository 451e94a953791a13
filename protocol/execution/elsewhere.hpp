// What a conversation has asked another node to decide (arbitrate): one request at a time, for what
// follows waits for it. Made when the first is asked; owned by the executor, whose thread alone
// calls it. Asked again with the same request, it says what came of that.
#pragma once

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

    bool has_question() const noexcept { return question_ != nullptr; }
    // Something came of it.
    bool is_settled() const noexcept {
        return question_ != nullptr && question_->state() != storage::Question::State::asked;
    }
    void ask(storage::Arbiter& arbiter, unsigned waiter, storage::Operation operation) {
        question_ = arbiter.ask(std::move(operation), waiter);
    }
    // Null: it is not settled, or nothing is under way.
    Asked take_settled() noexcept {
        return is_settled() ? std::exchange(question_, nullptr) : nullptr;
    }

    // Why the executor's last call has no result.
    Undecided why() const noexcept { return why_; }
    void leave(Undecided why) noexcept { why_ = why; }
    Undecided take_why() noexcept { return std::exchange(why_, Undecided::no); }

  private:
    Asked question_;
    Undecided why_ = Undecided::no;
};

}  // namespace twincached::protocol
