// The classic data commands of the text protocol, one short function per kind: it asks the
// executor and names the answer. See verbs.hpp for the table.
#pragma once

#include "protocol/execution/turn.hpp"

#include <cstddef>
#include <span>
#include <string_view>

namespace twincached::protocol {

Outcome execute_retrieval(Turn& turn, const Command& command) noexcept;
Outcome execute_touch_retrieval(Turn& turn, const Command& command) noexcept;
Outcome execute_storage(Turn& turn, const Command& command) noexcept;
Outcome execute_delete(Turn& turn, const Command& command) noexcept;
Outcome execute_arithmetic(Turn& turn, const Command& command) noexcept;
Outcome execute_touch(Turn& turn, const Command& command) noexcept;

// A run of single-key gets (see scan_get_run), each with an END of its own.
// REQUIRES: keys.size() <= Executor::batch_limit.
void execute_get_run(Turn& turn, std::span<const std::string_view> keys) noexcept;

// The answer for a store's outcome.
Answer answer_for(storage::WriteOutcome outcome) noexcept;

}  // namespace twincached::protocol
