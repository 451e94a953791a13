// One turn of a conversation: what a verb may use while it is executed, and what it leaves behind
// if it has more to say than the output may hold at once.
#pragma once

#include "protocol/execution/answer_writer.hpp"
#include "protocol/execution/command.hpp"
#include "protocol/execution/executor.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

namespace twincached::protocol {

// done: the next command may come. suspended: the output is full or others want their turn; the
// same line is executed again later, with the progress that was left.
enum class Outcome : std::uint8_t { done, suspended, close };

// How far a long answer has come. The verb itself says what its position counts.
struct Progress {
    bool started = false;
    std::uint64_t position = 0;
    std::uint64_t given = 0;  // items, of a dump with a limit
};

struct Turn {
    Executor& executor;
    AnswerWriter& answers;
    const storage::Now& now;
    Progress& progress;
    // The value that came with the command: in the input, or already in the store's memory.
    std::string_view value = {};
    storage::ValueReservation* reserved = nullptr;
    // Where a watcher is put if the client becomes one; null: it cannot.
    std::unique_ptr<Watcher>* watcher = nullptr;
    bool pipelined = false;  // answers of earlier commands are still unsent

    bool output_is_full() const noexcept {
        return answers.output().size() >= executor.settings().output_high_water_bytes;
    }
    Outcome answer(Answer answer) {
        answers.write(answer);
        return Outcome::done;
    }
};

using ExecuteFunction = Outcome (*)(Turn& turn, const Command& command) noexcept;

}  // namespace twincached::protocol
