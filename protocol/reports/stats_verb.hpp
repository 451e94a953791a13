// The `stats` verb: which report a client wants, in the frame of the text protocol.
#pragma once

#include "protocol/execution/command.hpp"
#include "protocol/execution/turn.hpp"

namespace twincached::protocol {

Next execute_stats(Turn& turn, const Command& command);

}  // namespace twincached::protocol
