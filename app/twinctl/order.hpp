// What twinctl tells a node to do: drain, undrain, promote, switchover, resync, log-level. The node
// answers at once, with a sentence; what takes longer is looked at until it is done. What is read
// from a node's answers is pure; order() asks, sleeps and prints by what it is given.
#pragma once

#include "app/twinctl/arguments.hpp"
#include "app/twinctl/node_status.hpp"
#include "lib/function_ref.hpp"

#include <chrono>
#include <string>
#include <string_view>

namespace twincached::app {

// Where the node is told it.
std::string order_target(const Arguments& arguments);

// How far an order has come, by two looks at the node.
struct OrderProgress {
    bool is_over = false;
    unsigned percent = 0;  // of a resync
    std::string line;      // what is so now
};
OrderProgress order_progress(std::string_view command, const NodeStatus& before,
                             const NodeStatus& now);
// "[#####     ]  50 %"
std::string bar(unsigned percent);

// The exit status. A role that has not changed after that long, has not.
inline constexpr std::chrono::seconds order_patience{15};
int order(const Arguments& arguments, lib::FunctionRef<void(std::string_view)> print);

}  // namespace twincached::app
