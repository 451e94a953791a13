// Figures that drivers share, so that who reads `stats replication` finds the same words whatever
// driver it is. Every driver tells the first two.
#pragma once

#include "lib/figure_row.hpp"

namespace twincached::replication {

inline constexpr auto driver_figure = lib::text("repl_driver", "the driver in use");
inline constexpr auto state_figure = lib::text(
    "repl_state",
    "`LINKED`, `SYNCING`, `LISTENING`/`CONNECTING`/`HANDSHAKE` (no peer), `REFUSED`, `DRAINING`; "
    "`STANDALONE` without a peer configured");
inline constexpr auto serving_figure =
    lib::text("repl_serving", "`READY`, or `COLD` while the client port is closed");

}  // namespace twincached::replication
