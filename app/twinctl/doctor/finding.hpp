// What `twinctl doctor` finds: what is so, where, and what to do about it. A value.
#pragma once

#include <string>
#include <vector>

namespace twincached::app {

struct Finding {
    // `wrong`: clients or data suffer, now or when a node fails. `risky`: they may.
    enum class Weight : std::uint8_t { wrong, risky };

    Weight weight = Weight::wrong;
    std::string where;   // a node, "this machine", or a file with its section
    std::string what;    // a sentence without its stop
    std::string advice;  // likewise
};

using Findings = std::vector<Finding>;

}  // namespace twincached::app
