#include "app/twinctl/check.hpp"

#include <algorithm>
#include <array>

namespace twincached::app {
namespace {

constexpr std::array<std::string_view, 4> checks{"ready", "primary", "secondary", "synchronised"};

// MISC_CHECK subtracts it.
constexpr int of_weight(int weight) noexcept {
    return weight + 2;
}

}  // namespace

bool is_checkable(std::string_view what) noexcept {
    return std::find(checks.begin(), checks.end(), what) != checks.end();
}

CheckResult check(const NodeStatus& node, std::string_view what) {
    if (!node.error.empty()) return {check_failed, node.error};
    const bool asks_readiness = what == "ready";
    const bool holds = asks_readiness ? node.is_ready() : node.holds(what);
    return {holds ? 0 : check_failed, asks_readiness ? node.text("summary") : node.why(what)};
}

CheckResult as_weight(const NodeStatus& node, std::string_view what) {
    auto result = check(node, what);
    if (node.error.empty() && node.flag("stopping")) {
        result.exit_code = of_weight(0);
    } else if (result.exit_code == 0) {
        const bool is_whole = !node.has_peer() || node.holds("synchronised");
        result.exit_code = of_weight(is_whole ? 100 : 50);
    }
    return result;
}

}  // namespace twincached::app
