// Which requests change what is stored, in every dialect: those that a node refuses while it is
// read only. Pure functions.
#pragma once

#include "protocol/binary/binary_request.hpp"
#include "protocol/execution/command.hpp"

namespace twincached::protocol {

bool is_change(const Command& command) noexcept;
// REQUIRES: a shape.
bool is_change(const BinaryRequest& request) noexcept;

}  // namespace twincached::protocol
