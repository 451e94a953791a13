// Settings of HAProxy that cost clients of a pair seconds, or bring older values back. Reads as
// much of its configuration as that takes: sections, what they take over from `defaults`, servers.
// Pure.
#pragma once

#include "app/twinctl/doctor/finding.hpp"

#include <cstdint>
#include <string_view>

namespace twincached::app {

struct HAProxyFile {
    std::string_view name;  // as people gave it
    std::string_view text;
    std::uint64_t max_connections = 0;  // of the nodes, the lowest; 0: unknown
};

// Of each `listen` and `backend` in mode tcp that has servers.
void judge_haproxy(const HAProxyFile& file, Findings& findings);

}  // namespace twincached::app
