// The classic data commands of the text protocol: a row each in the table, and one short function
// per kind that asks the executor and names the answer.
#pragma once

#include "protocol/execution/get_run.hpp"
#include "protocol/execution/verb.hpp"

#include <cstddef>
#include <span>

namespace twincached::protocol {

std::span<const Verb> classic_verbs() noexcept;

// Of what scan_gets has found, each with an END of its own. Returns how many it has dealt with.
std::size_t execute_gets(Turn& turn, const GetRun& run);

}  // namespace twincached::protocol
