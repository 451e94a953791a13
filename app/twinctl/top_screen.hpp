// `twinctl top`: what nodes do now, from two looks at their figures. Pure.
#pragma once

#include "app/twinctl/node_status.hpp"

#include <chrono>
#include <span>
#include <string>

namespace twincached::app {

// A node as it was, as it is, and what lies between.
struct NodeChange {
    NodeStatus before;
    NodeStatus now;
    std::chrono::duration<double> between{1};

    // Of a counter, in a second; 0 if it was reset in between, or the node not asked.
    double rate(std::string_view figure) const;
    // Of the gets in between, those that hit, in percent; 0 if there were none.
    double hit_percent() const;
    // Of the measured requests of that kind in between, in any dialect: so many microseconds were
    // not exceeded by 99 of a hundred. 0 if none was measured.
    double slow_us(std::string_view kind) const;
};

std::string top_screen(std::span<const NodeChange> nodes);
// The same for programs: a line.
std::string top_json(std::span<const NodeChange> nodes);

}  // namespace twincached::app
