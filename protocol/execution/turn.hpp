// One turn of a conversation: what a verb may use while it is executed, and what it leaves behind
// if it has more to say than the output may hold at once. Lives for one call of the verb.
#pragma once

#include "protocol/execution/answer_writer.hpp"
#include "protocol/execution/executor.hpp"
#include "protocol/next.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

namespace twincached::protocol {

// How far a long answer has come. The verb itself says what its position counts.
struct AnswerProgress {
    bool started = false;   // a part has been said; part of it may have left already
    bool accepted = false;  // a request too long to be checked at once has been
    std::uint64_t position = 0;
    std::uint64_t given = 0;  // items, of a dump with a limit
};

struct Turn {
    Executor& executor;
    AnswerWriter& answers;
    const storage::Now& now;
    AnswerProgress& progress;
    // How many batches of keys may still be looked at before others have their turn.
    std::size_t& batches;
    // The value that came with the command: in the input, or already in the store's memory.
    std::string_view value = {};
    storage::ValueReservation* reserved = nullptr;
    // Where a watcher is put if the client becomes one; null: it cannot.
    std::unique_ptr<Watcher>* watcher = nullptr;
    bool pipelined = false;  // answers of earlier commands are still unsent

    bool output_is_full() const noexcept {
        return answers.output().size() >= executor.settings().output_high_water_bytes;
    }
    // Nothing more may be done for this client now: suspend().
    bool is_over() const noexcept { return batches == 0 || output_is_full(); }
    // What is done now takes about as long as looking up so many batches of keys.
    void spend(std::size_t as_batches) noexcept { batches -= std::min(batches, as_batches); }
    Next answer(Answer answer) {
        answers.write(answer);
        return Next::go_on;
    }
    // The other node decides, or nobody knows how it did. REQUIRES: executor.is_undecided().
    Next undecided() {
        switch (executor.take_undecided()) {
            case Undecided::awaited:
                return Next::await_decision;
            case Undecided::unknown:
                return answer(Answer::outcome_unknown);
            case Undecided::no_room:
            case Undecided::no:
                break;
        }
        return answer(Answer::not_asked);
    }
    // There is more to say, later.
    Next suspend() const noexcept { return output_is_full() ? Next::write_first : Next::yield; }
};

}  // namespace twincached::protocol
