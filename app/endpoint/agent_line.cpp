#include "app/endpoint/agent_line.hpp"

#include <fmt/format.h>

namespace twincached::app {

std::string agent_line(const Standing& standing) {
    if (standing.is_stopping) return "drain\n";
    const auto ready = readiness(standing);
    if (!ready.holds && standing.state == "SYNCING")
        return fmt::format("down#resync {} % left\n", percent_left(standing.dirty_buckets));
    if (!ready.holds) return fmt::format("down#{}\n", ready.why);
    const bool is_new = *standing.open_for < ready_is_said_for;
    return is_new ? "ready up 100%\n" : "up 100%\n";
}

}  // namespace twincached::app
