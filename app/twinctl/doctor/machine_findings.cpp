#include "app/twinctl/doctor/machine_findings.hpp"

#include "lib/numbers.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace twincached::app {
namespace {

using Weight = Finding::Weight;

const std::string machine_name = "this machine";

constexpr std::uint64_t mib = 1U << 20;

// The line of that name without it and the blanks behind; empty if there is none.
std::string_view line_of(std::string_view text, std::string_view name) noexcept {
    while (!text.empty()) {
        const auto line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(text.size(), line.size() + 1));
        if (!line.starts_with(name)) continue;
        const auto rest = line.substr(name.size());
        const auto begin = rest.find_first_not_of(" \t");
        return begin == std::string_view::npos ? std::string_view() : rest.substr(begin);
    }
    return {};
}

std::optional<std::uint64_t> number_of(std::string_view text) noexcept {
    return lib::parse_number<std::uint64_t>(text.substr(0, text.find(' ')));
}

}  // namespace

std::optional<std::uint64_t> limit_in(std::string_view limits, std::string_view name) {
    return number_of(line_of(limits, name));
}

std::uint64_t bytes_in(std::string_view text, std::string_view name) {
    return number_of(line_of(text, name)).value_or(0) * 1024;
}

void judge_process(const LocalNodeFacts& process, Findings& findings) {
    const auto files = process.max_connections + process.reserved_files;
    if (process.open_files && *process.open_files < files) {
        findings.push_back(
            {Weight::wrong, process.name,
             fmt::format("it may have {} open files, but -c {} needs {}: clients are turned away "
                         "before the limit that they know",
                         *process.open_files, process.max_connections, files),
             fmt::format("LimitNOFILE={} in the unit, or ulimit -n, and a restart", files + 64)});
    }
    if (process.locked_bytes > 0 && process.lockable_bytes &&
        *process.lockable_bytes < process.memory_bytes) {
        findings.push_back(
            {Weight::wrong, process.name,
             fmt::format(
                 "it locks its memory (-k), of which it may lock {} MiB, but it may grow to "
                 "{} MiB: there it finds none",
                 *process.lockable_bytes / mib, process.memory_bytes / mib),
             "LimitMEMLOCK=infinity in the unit, or ulimit -l, and a restart"});
    }
    if (process.swapped_bytes > 0) {
        findings.push_back(
            {Weight::wrong, process.name,
             fmt::format("{} KiB of it are swapped out: reads of these wait for the disk, and the "
                         "peer may take it for silent",
                         process.swapped_bytes / 1024),
             "give the machine more memory or the node less (-m), or lock it (-k)"});
    }
}

void judge_machine(const MachineFacts& machine, Findings& findings) {
    if (machine.memory_bytes > 0 && machine.nodes_bytes > machine.memory_bytes / 10 * 9) {
        findings.push_back(
            {Weight::wrong, machine_name,
             fmt::format("its nodes may take {} MiB of the {} MiB that there are: the kernel would "
                         "kill one, or swap",
                         machine.nodes_bytes / mib, machine.memory_bytes / mib),
             "lower -m (limit of [memory]), leaving a tenth for connections and the system"});
    }
    constexpr int swappiness_tolerated = 10;
    if (machine.swap_bytes > 0 && machine.swappiness > swappiness_tolerated) {
        findings.push_back(
            {Weight::risky, machine_name,
             fmt::format(
                 "it has swap, and vm.swappiness is {}: items that nobody reads for a while "
                 "may be swapped out",
                 machine.swappiness),
             "sysctl vm.swappiness=1, swapoff -a, or -k for the node"});
    }
    if (machine.overcommit == 2 && machine.nodes_bytes > machine.commit_limit_bytes / 10 * 9) {
        findings.push_back(
            {Weight::wrong, machine_name,
             fmt::format("vm.overcommit_memory is 2, and of the {} MiB that may be promised the "
                         "nodes may take {} MiB: they find no memory before the machine is full",
                         machine.commit_limit_bytes / mib, machine.nodes_bytes / mib),
             "sysctl vm.overcommit_memory=1 (or 0), or raise vm.overcommit_ratio"});
    }
}

}  // namespace twincached::app
