// The classic data commands of the text protocol: a row each in the table, and one short function
// per kind that asks the executor and names the answer.
#pragma once

#include "protocol/execution/verb.hpp"

#include <span>
#include <string_view>

namespace twincached::protocol {

std::span<const Verb> classic_verbs() noexcept;

// A run of single-key gets (see scan_get_run), each with an END of its own.
// REQUIRES: keys.size() <= Executor::batch_limit.
void execute_get_run(Turn& turn, std::span<const std::string_view> keys);

}  // namespace twincached::protocol
