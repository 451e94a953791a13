// What a node remembers: the changes of the primary, told in words (explain), and the lines of its
// log, one after the other (watch). Pure.
#pragma once

#include "lib/json.hpp"
#include "lib/result.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace twincached::app {

// "2026-11-28 21:40:05 UTC"
std::string moment_text(std::int64_t unix_ms);

// A line of a node's log.
struct NodeEvent {
    std::uint64_t number = 0;
    std::int64_t at_ms = 0;
    std::string level;
    std::string text;
};
// From the body of /events; what is none is left out. An error: nothing that a node answers.
lib::Parsed<std::vector<NodeEvent>> node_events(std::string_view body);
// "21:40:05.123 a     warning serving alone as primary: ...", and the same for programs.
std::string event_line(std::string_view node, const NodeEvent& event);
std::string event_json(std::string_view node, const NodeEvent& event);

// From the body of /history, newest last. An error as there.
lib::Parsed<boost::json::array> node_history(std::string_view body);
// The last change of the primary in words, what was logged around it, and how many there were
// before. `events` may be empty: they are told to the node's user alone.
std::string explanation(std::string_view node, const boost::json::array& history,
                        const std::vector<NodeEvent>& events, std::int64_t now_ms);

}  // namespace twincached::app
