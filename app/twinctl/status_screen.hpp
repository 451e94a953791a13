// `twinctl status`: the nodes that were asked, one row each, and what there is to say of each of
// them; and, where one node of a pair was asked alone, what it knows of the other. Pure.
#pragma once

#include "app/twinctl/node_status.hpp"

#include <span>
#include <string>

namespace twincached::app {

std::string status_screen(std::span<const NodeStatus> nodes);
// The same for programs: an array with one object for each node.
std::string status_json(std::span<const NodeStatus> nodes);

// "1.5M", "64K", "12": of bytes or of things, in at most five letters.
std::string short_number(double number);
// "3d 4h", "12m 5s".
std::string short_time(double seconds);
// Columns as wide as they need to be, within lines.
std::string table_text(std::span<const std::vector<std::string>> rows);

}  // namespace twincached::app
