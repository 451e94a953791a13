// The commands of the binary protocol, one short function per kind: it asks the executor and the
// binary answer writer answers. The same executor serves all dialects.
#pragma once

#include "protocol/binary/binary_answer.hpp"
#include "protocol/execution/turn.hpp"

namespace twincached::protocol {

// REQUIRES: request.is_well_formed(), its extras and key are there, and so is its value (see Turn).
Outcome execute_binary(Turn& turn, const BinaryRequest& request) noexcept;

}  // namespace twincached::protocol
