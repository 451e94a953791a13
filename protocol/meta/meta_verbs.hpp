// The meta commands: a row each in the table, and one short function that asks the executor; the
// meta answer puts the return flags in the order in which they were asked for.
#pragma once

#include "protocol/execution/get_run.hpp"
#include "protocol/execution/verb.hpp"

#include <cstddef>
#include <span>

namespace twincached::protocol {

std::span<const Verb> meta_verbs() noexcept;

// Of what scan_plain_meta_gets has found. Returns how many it has dealt with: what follows is for
// the verb's own function.
std::size_t execute_plain_meta_gets(Turn& turn, const GetRun& run);

}  // namespace twincached::protocol
