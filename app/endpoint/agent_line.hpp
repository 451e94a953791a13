// What HAProxy's agent-check is told: one line, then the connection ends. The words are HAProxy's
// ("agent-check" in its configuration manual).
#pragma once

#include "app/endpoint/standing.hpp"

#include <chrono>
#include <string>

namespace twincached::app {

// A node that stops, or is drained, says `drain`, which HAProxy keeps until `ready` takes it back.
// So the process that comes after it, or a node that is drained no longer, says `ready` for this
// long; later it does not, for that word would also undo what an operator has told HAProxy.
inline constexpr std::chrono::seconds ready_is_said_for{60};

// With its newline. A blank stands before the `#` of a reason: HAProxy passes over a word that
// holds one as a word that it does not know.
std::string agent_line(const Standing& standing);

}  // namespace twincached::app
