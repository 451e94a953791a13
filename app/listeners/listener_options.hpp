// What an operator may decide of where clients come in, and how many of them. Plain values.
#pragma once

#include "lib/option_row.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace twincached::app {

struct ListenerOptions {
    std::vector<std::string> listen;  // empty: all interfaces
    std::int32_t port{};              // of TCP; 0: none, -1: any free one
    std::int32_t udp_port{};          // likewise
    std::string unix_socket;          // with it no TCP port is opened
    std::string unix_mask;            // octal, as written
    int backlog{};
    std::uint32_t connections{};              // at the same time (-c)
    bool reject_fast{};                       // one client too many gets an error at once
    std::uint32_t connections_per_address{};  // at the same time; 0: no limit
    std::vector<std::string> proxies;         // networks of those that name their clients
};

std::span<const lib::OptionRow> listener_option_rows() noexcept;

// Each is well by itself, but together they make no sense.
std::vector<lib::OptionProblem> problems_of(const ListenerOptions& options);

// Does a client have to show a certificate on one of them?
bool has_mutual_listener(const ListenerOptions& options);

}  // namespace twincached::app
