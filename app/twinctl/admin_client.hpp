// Asks a node's admin endpoint: one question, one connection, blocking, with a deadline for all of
// it. Also finds the nodes of this machine. No global state; any thread.
#pragma once

#include "app/twinctl/node_connection.hpp"
#include "lib/result.hpp"

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

namespace twincached::app {

// Those that have `local` among their places, by what /proc/net/unix (proc(5)) says: `table` is its
// content.
std::vector<NodeAddress> local_nodes_in(std::string_view table);
std::vector<NodeAddress> local_nodes();

struct AdminAnswer {
    unsigned status = 0;
    std::string body;
};

// Of a whole answer, as it came until the end of the connection. An error is a sentence without its
// beginning, which names the node.
lib::Parsed<AdminAnswer> parse_admin_answer(std::string_view bytes);

// The error is a sentence that names the node and says what to do.
lib::Parsed<AdminAnswer> ask(const NodeAddress& node, std::string_view target,
                             std::chrono::milliseconds patience);
// The same for what changes something.
lib::Parsed<AdminAnswer> tell(const NodeAddress& node, std::string_view target,
                              std::chrono::milliseconds patience);
// Of this machine and that process.
NodeAddress local_node(unsigned process);

}  // namespace twincached::app
