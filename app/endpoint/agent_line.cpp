#include "app/endpoint/agent_line.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace twincached::app {

std::string agent_line(const Standing& standing) {
    if (standing.is_stopping || standing.is_drained) return "drain\n";
    const auto ready = readiness(standing);
    if (!ready.holds && standing.state == "SYNCING")
        return fmt::format("down #resync {} % left\n", resync_percent_left(standing));
    if (!ready.holds) return fmt::format("down #{}\n", ready.why);
    const auto age = std::min(*standing.open_for, standing.process_unchanged_for);
    const bool is_new = age < ready_is_said_for;
    return is_new ? "ready up 100%\n" : "up 100%\n";
}

}  // namespace twincached::app
