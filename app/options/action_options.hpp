// What the program is asked to do instead of serving, and where to read options. On the command
// line only; first in --help.
#pragma once

#include "lib/option_row.hpp"

#include <span>
#include <string>

namespace twincached::app {

struct Actions {
    bool help{};
    bool version{};
    bool license{};
    bool check_config{};
    bool print_config{};
    bool print_default_config{};
    std::string print_manual;  // flags, keys; empty: none
    // Read by the command line itself.
    std::string config;    // a file
    std::string extended;  // memcached's words
};

std::span<const lib::OptionRow> action_option_rows() noexcept;

}  // namespace twincached::app
