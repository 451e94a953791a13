// The meta commands, one short function each: it asks the executor, and the meta answer puts the
// return flags in the order in which they were asked for. See verbs.hpp for the table.
#pragma once

#include "protocol/execution/turn.hpp"

namespace twincached::protocol {

Outcome execute_meta_get(Turn& turn, const Command& command) noexcept;
Outcome execute_meta_set(Turn& turn, const Command& command) noexcept;
Outcome execute_meta_delete(Turn& turn, const Command& command) noexcept;
Outcome execute_meta_arithmetic(Turn& turn, const Command& command) noexcept;
Outcome execute_meta_no_op(Turn& turn, const Command& command) noexcept;
Outcome execute_meta_debug(Turn& turn, const Command& command) noexcept;

}  // namespace twincached::protocol
