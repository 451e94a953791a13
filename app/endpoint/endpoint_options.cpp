#include "app/endpoint/endpoint_options.hpp"

#include <array>

namespace twincached::app {
namespace {

constexpr std::array rows = {
    lib::OptionRow{.section = "admin",
                   .key = "listen",
                   .flag = "admin-listen",
                   .fills = lib::fills<&EndpointOptions::listen>,
                   .initial = "local",
                   .help =
                       "Where this node answers HTTP about itself, whatever clients do: /healthz, "
                       "/readyz,\n/metrics, /status ... A list of: local (a unix socket without a "
                       "path, where twinctl\nfinds it; for this user and root), the path of a unix "
                       "socket, host:port. Empty: nowhere.\nWho can reach a port can read the "
                       "figures: 127.0.0.1:11280 is a good one."},
    lib::OptionRow{.section = "admin",
                   .key = "agent-listen",
                   .flag = "agent-listen",
                   .fills = lib::fills<&EndpointOptions::agent_listen>,
                   .initial = "",
                   .help = "Where HAProxy's agent-check is answered with a line: up 100%, drain, "
                           "down#reason. A list\nof host:port. Empty: nowhere."},
    lib::OptionRow{.section = "admin",
                   .key = "history-file",
                   .flag = "history-file",
                   .fills = lib::fills<&EndpointOptions::history_file>,
                   .initial = "",
                   .path = true,
                   .help =
                       "Where the last 100 changes of the primary are kept, so that twinctl "
                       "explain can tell of\nthem after a restart, too. Empty: in memory alone."},
};

void check(const std::vector<std::string>& places, std::string_view key,
           std::vector<lib::OptionProblem>& problems) {
    for (const auto& text : places) {
        const auto place = parse_admin_place(text);
        if (place.has_error()) problems.push_back({"admin", key, place.error()});
    }
}

}  // namespace

std::span<const lib::OptionRow> endpoint_option_rows() noexcept {
    return rows;
}

lib::Parsed<AdminPlace> parse_admin_place(std::string_view text) {
    AdminPlace place;
    if (text == "local") {
        place.is_local = true;
        return place;
    }
    if (text.starts_with('/')) {
        place.path = text;
        return place;
    }
    auto endpoint = lib::parse_endpoint(text);
    if (endpoint.has_error()) return endpoint.error();
    if (!endpoint->port) {
        return "'" + std::string(text) +
               "' has no port: write host:port, the whole path of a unix socket, or local";
    }
    place.endpoint = std::move(*endpoint);
    return place;
}

std::vector<lib::OptionProblem> problems_of(const EndpointOptions& options) {
    std::vector<lib::OptionProblem> problems;
    check(options.listen, "listen", problems);
    check(options.agent_listen, "agent-listen", problems);
    for (const auto& text : options.agent_listen) {
        if (text == "local" || text.starts_with('/')) {
            problems.push_back({"admin", "agent-listen",
                                "agent-listen of [admin] is for HAProxy, which comes by TCP: write "
                                "host:port, not '" +
                                    text + "'"});
        }
    }
    return problems;
}

}  // namespace twincached::app
