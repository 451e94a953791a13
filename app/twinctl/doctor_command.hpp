// `twinctl doctor`: asks the nodes, reads what the kernel tells of this machine and of those of
// them that run here, and HAProxy's configuration if it is named; and tells what is wrong with all
// that, and what to do. Changes nothing.
#pragma once

#include "app/twinctl/arguments.hpp"
#include "app/twinctl/doctor/finding.hpp"
#include "app/twinctl/item_commands.hpp"

#include <span>
#include <string>
#include <vector>

namespace twincached::app {

// Exit status: 0 nothing is wrong, though something may be risky; 1 something is.
Outcome doctor(const Arguments& arguments, Print print);

// `seen`: what was looked at.
std::string doctor_screen(std::span<const Finding> findings, std::span<const std::string> seen);
std::string doctor_json(std::span<const Finding> findings, std::span<const std::string> seen);

}  // namespace twincached::app
