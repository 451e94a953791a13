// The meta commands: a row each in the table, and one short function that asks the executor; the
// meta answer puts the return flags in the order in which they were asked for.
#pragma once

#include "protocol/execution/verb.hpp"

#include <span>

namespace twincached::protocol {

std::span<const Verb> meta_verbs() noexcept;

}  // namespace twincached::protocol
