// What an operator may decide of the process itself. Plain values.
#pragma once

#include "lib/option_row.hpp"

#include <chrono>
#include <span>
#include <string>

namespace twincached::app {

struct ProcessOptions {
    bool daemon{};         // run in the background (-d)
    std::string pid_file;  // empty: none
    std::string user;      // to become, if started as root
    bool core_dumps{};
    bool lock_memory{};
    std::chrono::milliseconds drain_pause{};  // of a stop, between "not ready" and closing anything
    std::chrono::milliseconds stop_timeout{};  // for clients to finish their requests
};

std::span<const lib::OptionRow> process_option_rows() noexcept;

}  // namespace twincached::app
