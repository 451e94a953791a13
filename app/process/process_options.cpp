#include "app/process/process_options.hpp"

#include <array>

namespace twincached::app {
namespace {

constexpr std::uint64_t seconds = 1000;

constexpr std::array rows = {
    lib::OptionRow{.section = "process",
                   .key = "daemon",
                   .flag = "daemon",
                   .letter = 'd',
                   .fills = lib::fills<&ProcessOptions::daemon>,
                   .initial = "no",
                   .bare = true,
                   .help = "Run in the background."},
    lib::OptionRow{.section = "process",
                   .key = "pid-file",
                   .flag = "pidfile",
                   .letter = 'P',
                   .fills = lib::fills<&ProcessOptions::pid_file>,
                   .initial = "",
                   .path = true,
                   .help = "File that the process id is written to; it is removed at the end."},
    lib::OptionRow{.section = "process",
                   .key = "user",
                   .flag = "user",
                   .letter = 'u',
                   .fills = lib::fills<&ProcessOptions::user>,
                   .initial = "",
                   .help = "User to become when started as root; needed then, even if it is root."},
    lib::OptionRow{.section = "process",
                   .key = "core-dumps",
                   .flag = "enable-coredumps",
                   .letter = 'r',
                   .fills = lib::fills<&ProcessOptions::core_dumps>,
                   .initial = "no",
                   .bare = true,
                   .help = "Raise the limit on the size of core files."},
    lib::OptionRow{.section = "process",
                   .key = "lock-memory",
                   .flag = "lock-memory",
                   .letter = 'k',
                   .fills = lib::fills<&ProcessOptions::lock_memory>,
                   .initial = "no",
                   .bare = true,
                   .help =
                       "Keep used memory from being paged out; within a limit (ulimit -l) items "
                       "and index first."},
    lib::OptionRow{.section = "process",
                   .key = "drain-pause",
                   .flag = "drain-pause",
                   .fills = lib::fills<&ProcessOptions::drain_pause>,
                   .initial = "0s",
                   .most = 600.0 * seconds,
                   .help = "How long a stop says that the node is not ready, and serves on, before "
                           "it closes anything:\ntwo checks of the balancer that asks /readyz or "
                           "/primary, such as 2s. 0s where none does."},
    lib::OptionRow{.section = "process",
                   .key = "stop-timeout",
                   .flag = "stop-timeout",
                   .fills = lib::fills<&ProcessOptions::stop_timeout>,
                   .initial = "3s",
                   .most = 3600.0 * seconds,
                   .help = "How long a stop waits for clients to reach the end of a request."},
};

}  // namespace

std::span<const lib::OptionRow> process_option_rows() noexcept {
    return rows;
}

}  // namespace twincached::app
