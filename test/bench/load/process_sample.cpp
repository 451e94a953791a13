#include "test/bench/load/process_sample.hpp"

#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>

namespace twincached::load {

ProcessSample sample_process(int pid) {
    ProcessSample sample;
    if (pid <= 0) return sample;
    const auto folder = "/proc/" + std::to_string(pid);
    std::error_code error;
    for (const auto& task : std::filesystem::directory_iterator(folder + "/task", error)) {
        std::ifstream file(task.path() / "schedstat");
        std::uint64_t run_ns = 0;
        if (file >> run_ns) sample.cpu_ns += run_ns;
    }
    std::ifstream status(folder + "/status");
    for (std::string word; status >> word;) {
        if (word == "VmRSS:") status >> sample.resident_kib;
    }
    return sample;
}

}  // namespace twincached::load
