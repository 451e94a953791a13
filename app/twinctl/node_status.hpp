// A node as twinctl shows it: what it said of itself in /status, or why it could not be asked.
// Values; pure.
#pragma once

#include "lib/json.hpp"
#include "lib/result.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace twincached::app {

// Said behind the address of whoever it is.
inline constexpr std::string_view no_node_answers = "it answers, but not as a twincached node does";

struct NodeStatus {
    std::string asked_at;  // the address, as people write it
    std::string error;     // a sentence; empty: the node has answered
    boost::json::object page;

    bool is_ready() const { return flag("ready"); }
    bool flag(std::string_view member) const;
    // Empty if there is no such text.
    std::string text(std::string_view member) const;
    std::string peer_text(std::string_view member) const;
    std::uint64_t peer_number(std::string_view member) const;
    // 0 if there is no such number; of a count, if it is none.
    double figure(std::string_view name) const;
    std::uint64_t count(std::string_view name) const;
    std::string figure_text(std::string_view name) const;
    bool has_peer() const;
    // Of /primary, /secondary or /synchronised, and the line that says why.
    bool holds(std::string_view verdict) const;
    std::string why(std::string_view verdict) const;
};

// One of up to four over NATS, whose peer is all of the others.
bool is_of_cluster(const NodeStatus& node);

// Of a ranking of /status's hot keys: the first so many, the hottest first. None while nobody
// counts.
struct HotKeyLine {
    std::string key;  // percent-encoded
    std::uint64_t amount = 0;
    std::uint64_t error = 0;
};
std::vector<HotKeyLine> hot_keys_of(const NodeStatus& node, std::string_view ranking,
                                    std::size_t count);

// From the body of /status; what is no such page becomes an error.
NodeStatus node_status(std::string asked_at, std::string_view body);
NodeStatus unreachable(std::string asked_at, std::string error);

}  // namespace twincached::app
