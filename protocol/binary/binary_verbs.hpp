// The commands of the binary protocol: a row each in the table of opcodes, and one short function
// per kind that asks the executor and lets the binary answer writer answer. The same executor
// serves all dialects.
#pragma once

#include "protocol/binary/binary_answer.hpp"
#include "protocol/binary/binary_request.hpp"
#include "protocol/execution/turn.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace twincached::protocol {

// The two opcodes that say who the client is; the packet reader answers them itself.
inline constexpr std::uint8_t sasl_start_opcode = 0x21;
inline constexpr std::uint8_t sasl_step_opcode = 0x22;

// nullptr: not known. What it finds may be executed if the request is well-formed, its extras and
// key are there, and so is its value (see Turn).
const BinaryShape* find_shape(std::uint8_t opcode) noexcept;

// Of requests that may join a run, and their keys. Returns how many it has dealt with: all.
// REQUIRES: as Executor::get_many.
std::size_t execute_gets(Turn& turn, std::span<const std::string_view> keys,
                         std::span<const BinaryRequest> requests);

}  // namespace twincached::protocol
