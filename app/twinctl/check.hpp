// `twinctl check`: one line for people, one number for programs. The numbers are those of exit
// statuses; for keepalived's MISC_CHECK with misc_dynamic they are weights: 0 leaves the weight as
// it is, 1 takes the node out, 2 to 255 sets the weight to two less. Pure.
#pragma once

#include "app/twinctl/node_status.hpp"

#include <string>
#include <string_view>

namespace twincached::app {

inline constexpr int check_failed = 1;

struct CheckResult {
    int exit_code = check_failed;
    std::string line;  // without its end
};

// `what` is "ready", "primary", "secondary" or "synchronised".
CheckResult check(const NodeStatus& node, std::string_view what);
bool is_checkable(std::string_view what) noexcept;

// As a weight: 100 when the node is ready, half of that while it does not hold what its peer has,
// 0 while it stops (who is connected stays), and out when it is not ready, or not what was asked.
CheckResult as_weight(const NodeStatus& node, std::string_view what);

}  // namespace twincached::app
