// CPU time and memory of another process, as the kernel accounts them.
#pragma once

#include <cstdint>

namespace twincached::load {

struct ProcessSample {
    std::uint64_t cpu_ns =
        0;  // run time of all threads that it has and had, as the scheduler counts
    std::uint64_t resident_kib = 0;
};

// All zero for a process that is not there.
ProcessSample sample_process(int pid);

}  // namespace twincached::load
