// The `stats` verb: which report a client wants, in the frame of the text protocol, and what its
// sibling in the binary one needs as well.
#pragma once

#include "protocol/execution/command.hpp"
#include "protocol/execution/turn.hpp"
#include "protocol/stat_visitor.hpp"

namespace twincached::protocol {

Next execute_stats(Turn& turn, const Command& command);

// What both dialects do alike.

// A report takes its time from the turn; the dump of prefixes takes what is left of it.
void spend_on_report(Turn& turn, bool is_dump) noexcept;
// True if no client is left to be told of; else the turn is over and the rest follows in the next.
bool report_some_connections(Turn& turn, StatVisitor visit);

}  // namespace twincached::protocol
