// What the machine, its control group and its limits give this process, as far as a configuration
// can ask for more than there is. Asked once, at the start; a value.
#pragma once

#include <cstdint>

namespace twincached::app {

struct Machine {
    // 0: not known, or no limit.
    std::uint64_t memory_bytes = 0;         // of the machine
    std::uint64_t group_memory_bytes = 0;   // the least limit of our control group and those above
    std::uint64_t descriptors = 0;          // that this process may raise its limit to
    std::uint64_t locked_memory_bytes = 0;  // that it may lock
    std::uint64_t backlog = 0;              // connections that the kernel lets wait
};

Machine this_machine();

}  // namespace twincached::app
