// The usual mistakes of the machine that a node runs on, from what the kernel tells of it
// (proc(5)). Pure: who reads the files is doctor_command.
#pragma once

#include "app/twinctl/doctor/finding.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace twincached::app {

// Of a node's process, as far as it can be seen; none: it cannot, or has no limit.
struct LocalNodeFacts {
    std::string name;
    std::optional<std::uint64_t> open_files;      // that it may have
    std::optional<std::uint64_t> lockable_bytes;  // that it may lock
    std::uint64_t locked_bytes = 0;
    std::uint64_t swapped_bytes = 0;
    std::uint64_t max_connections = 0;
    std::uint64_t reserved_files = 0;  // beside those of clients
    std::uint64_t memory_bytes = 0;    // what items and the change log may take
};

struct MachineFacts {
    std::uint64_t memory_bytes = 0;
    std::uint64_t swap_bytes = 0;
    std::uint64_t commit_limit_bytes = 0;
    int overcommit = 0;             // vm.overcommit_memory
    int swappiness = 0;             // vm.swappiness
    std::uint64_t nodes_bytes = 0;  // what all nodes here may take together
};

// "Max open files   1024   4096   files": the first number; none if it is unlimited or not there.
std::optional<std::uint64_t> limit_in(std::string_view limits, std::string_view name);
// "MemTotal:   16384 kB", in bytes; 0 if it is not there.
std::uint64_t bytes_in(std::string_view text, std::string_view name);

void judge_process(const LocalNodeFacts& process, Findings& findings);
void judge_machine(const MachineFacts& machine, Findings& findings);

}  // namespace twincached::app
