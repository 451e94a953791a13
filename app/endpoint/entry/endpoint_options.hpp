// What an operator may decide of where a node can be asked about itself. Plain values.
#pragma once

#include "lib/input/endpoint.hpp"
#include "lib/option_row.hpp"
#include "lib/result.hpp"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace twincached::app {

struct EndpointOptions {
    std::vector<std::string> listen;        // for HTTP; empty: nowhere
    std::vector<std::string> agent_listen;  // for HAProxy's agent-check; likewise
    std::string
        certificate;  // shown at the places that begin with tls:, with what leads to its root
    std::string key;  // of that
    std::string token_file;  // who may act at these places; empty: nobody
    // Where browsers find the other node's console, as its value was checked; empty: not known.
    std::string peer_console;
    std::string history_file;  // of changes of the primary; empty: in memory alone
};

std::span<const lib::OptionRow> endpoint_option_rows() noexcept;

// Each is well by itself, but together they make no sense.
std::vector<lib::OptionProblem> problems_of(const EndpointOptions& options);

// One place of such a list: `local`, a path, or an address with a port. Names are not resolved.
struct AdminPlace {
    AdminPlace() = default;  // no aggregate: Parsed could not tell it from its error

    std::string path;  // of a unix socket; empty: none
    lib::Endpoint endpoint;
    bool is_local = false;  // a unix socket without a path: see admin_listeners.hpp
    bool is_tls = false;    // of an address alone
};
lib::Parsed<AdminPlace> parse_admin_place(std::string_view text);

// Whether a place of `listen` does. REQUIRES: the options are valid.
bool speaks_tls(const EndpointOptions& options);

}  // namespace twincached::app
