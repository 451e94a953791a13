#include "test/bench/load/process_sample.hpp"

#include <ctime>
#include <fstream>
#include <string>

namespace twincached::load {

ProcessSample sample_process(int pid) {
    ProcessSample sample;
    if (pid <= 0) return sample;
    clockid_t clock{};
    timespec time{};
    if (clock_getcpuclockid(pid, &clock) == 0 && clock_gettime(clock, &time) == 0) {
        sample.cpu_ns = static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000 +
                        static_cast<std::uint64_t>(time.tv_nsec);
    }
    std::ifstream status("/proc/" + std::to_string(pid) + "/status");
    for (std::string word; status >> word;) {
        if (word == "VmRSS:") status >> sample.resident_kib;
    }
    return sample;
}

}  // namespace twincached::load
