#include "app/process/machine.hpp"

#include "app/process/privileges.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>

namespace twincached::app {
namespace {

namespace fs = std::filesystem;

// A number that stands alone in a file; "max" and what cannot be read are none.
std::optional<std::uint64_t> number_in(const fs::path& path) {
    std::ifstream file(path);
    std::uint64_t number = 0;
    if (file >> number) return number;
    return std::nullopt;
}

void lower_to(std::uint64_t& least, std::optional<std::uint64_t> limit) {
    // The kernel writes "no limit" of the first version as a number near 2^63.
    constexpr std::uint64_t no_limit = std::uint64_t{1} << 62;
    if (!limit || *limit >= no_limit) return;
    least = least == 0 ? *limit : std::min(least, *limit);
}

// Each group above bounds those below. In a container the path that /proc names may be the host's:
// then only the root of what is mounted here is found.
std::uint64_t least_on_the_way(const fs::path& root, const fs::path& group, const char* name) {
    std::uint64_t least = 0;
    for (auto at = group.relative_path();; at = at.parent_path()) {
        lower_to(least, number_in(root / at / name));
        if (at.empty()) return least;
    }
}

// Lines "number:controllers:path" of /proc/self/cgroup, of either version of control groups.
std::uint64_t group_memory() {
    std::uint64_t least = 0;
    std::ifstream file("/proc/self/cgroup");
    for (std::string line; std::getline(file, line);) {
        const auto first = line.find(':');
        const auto second = line.find(':', first + 1);
        if (second == std::string::npos) continue;
        const auto controllers = "," + line.substr(first + 1, second - first - 1) + ",";
        const fs::path group = line.substr(second + 1);
        std::uint64_t found = 0;
        if (controllers == ",,") {
            found = least_on_the_way("/sys/fs/cgroup", group, "memory.max");
        } else if (controllers.find(",memory,") != std::string::npos) {
            found = least_on_the_way("/sys/fs/cgroup/memory", group, "memory.limit_in_bytes");
        }
        if (found != 0) lower_to(least, found);
    }
    return least;
}

// Who has the right to raise its own limits has as many open files as the kernel allows anybody.
std::uint64_t descriptors_within_reach() {
    if (has_right(Right::raise_limits)) return number_in("/proc/sys/fs/nr_open").value_or(0);
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_max == RLIM_INFINITY) return 0;
    return limit.rlim_max;
}

}  // namespace

Machine this_machine() {
    Machine machine;
    const auto pages = ::sysconf(_SC_PHYS_PAGES);
    const auto page = ::sysconf(_SC_PAGE_SIZE);
    if (pages > 0 && page > 0) {
        machine.memory_bytes = static_cast<std::uint64_t>(pages) * static_cast<std::uint64_t>(page);
    }
    machine.group_memory_bytes = group_memory();
    machine.descriptors = descriptors_within_reach();
    machine.locked_memory_bytes = lockable_memory().value_or(0);
    machine.backlog = number_in("/proc/sys/net/core/somaxconn").value_or(0);
    return machine;
}

}  // namespace twincached::app
