#include "app/endpoint/entry/endpoint_options.hpp"

#include "app/console/console_origin.hpp"

#include <algorithm>
#include <array>
#include <utility>

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
                       "socket, host:port, tls:host:port. Empty: nowhere.\nWho can reach a port "
                       "can read the figures: 127.0.0.1:11280 is a good one."},
    lib::OptionRow{.section = "admin",
                   .key = "agent-listen",
                   .flag = "agent-listen",
                   .fills = lib::fills<&EndpointOptions::agent_listen>,
                   .initial = "",
                   .help = "Where HAProxy's agent-check is answered with a line: up 100%, drain, "
                           "down #reason. A list\nof host:port. Empty: nowhere."},
    lib::OptionRow{.section = "admin",
                   .key = "certificate",
                   .flag = "admin-certificate",
                   .fills = lib::fills<&EndpointOptions::certificate>,
                   .initial = "",
                   .path = true,
                   .reloaded_by = "certificates",
                   .help = "What is shown at the places of listen that begin with tls:, and what "
                           "leads to its root, PEM."},
    lib::OptionRow{.section = "admin",
                   .key = "key",
                   .flag = "admin-key",
                   .fills = lib::fills<&EndpointOptions::key>,
                   .initial = "",
                   .path = true,
                   .reloaded_by = "certificates",
                   .help = "The private key of that certificate, PEM, without a pass phrase."},
    lib::OptionRow{.section = "admin",
                   .key = "token-file",
                   .flag = "admin-token-file",
                   .fills = lib::fills<&EndpointOptions::token_file>,
                   .initial = "",
                   .path = true,
                   .reloaded_by = "tokens",
                   .help =
                       "A file of tokens, a line each, of 16 characters at least. Who shows one "
                       "at a place that\nbegins with tls: may give orders and read items, as "
                       "the node's user may by a unix socket."},
    lib::OptionRow{.section = "admin",
                   .key = "peer-console",
                   .flag = "peer-console",
                   .fills = lib::fills<&EndpointOptions::peer_console>,
                   .initial = "",
                   .help =
                       "Where a browser finds the other node's console: http://host-b:11280. The "
                       "console of this\nnode then asks the other one, too, and only that one's "
                       "console may ask this node. Empty:\na console shows of the other node what "
                       "this one knows."},
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

// What is for TLS, and nobody could use without, is more likely to be half of something.
void check_tls(const EndpointOptions& options, std::vector<lib::OptionProblem>& problems) {
    const auto complain = [&](std::string_view key, std::string message) {
        problems.push_back({"admin", key, std::move(message)});
    };
    if (speaks_tls(options)) {
        if (options.certificate.empty())
            complain("listen", "listen of [admin] has tls: it needs certificate and key");
        else if (options.key.empty())
            complain("certificate", "certificate of [admin] needs its key");
        return;
    }
    for (const auto& [key, value] : {std::pair("certificate", &options.certificate),
                                     {"key", &options.key},
                                     {"token-file", &options.token_file}}) {
        if (!value->empty())
            complain(key, std::string(key) +
                              " of [admin] is for TLS: a place of listen must begin with tls:");
    }
}

}  // namespace

std::span<const lib::OptionRow> endpoint_option_rows() noexcept {
    return rows;
}

lib::Parsed<AdminPlace> parse_admin_place(std::string_view text) {
    constexpr std::string_view tls = "tls:";
    AdminPlace place;
    if (text.starts_with(tls)) {
        const auto address = text.substr(tls.size());
        if (address == "local" || address.starts_with('/')) {
            return "'" + std::string(text) +
                   "' is a unix socket, which needs no TLS: write tls:host:port";
        }
        auto with_tls = parse_admin_place(address);
        if (with_tls) with_tls->is_tls = true;
        return with_tls;
    }
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

bool speaks_tls(const EndpointOptions& options) {
    return std::any_of(options.listen.begin(), options.listen.end(), [](const auto& text) {
        const auto place = parse_admin_place(text);
        return place && place->is_tls;
    });
}

std::vector<lib::OptionProblem> problems_of(const EndpointOptions& options) {
    std::vector<lib::OptionProblem> problems;
    check(options.listen, "listen", problems);
    check(options.agent_listen, "agent-listen", problems);
    if (!options.peer_console.empty() && !console_origin(options.peer_console)) {
        problems.push_back({"admin", "peer-console",
                            "'" + options.peer_console +
                                "' is no place of a console: write http://host:port, as a browser "
                                "shows it, with an IPv6 address in brackets"});
    }
    for (const auto& text : options.agent_listen) {
        if (text == "local" || text.starts_with('/') || text.starts_with("tls:")) {
            problems.push_back({"admin", "agent-listen",
                                "agent-listen of [admin] is for HAProxy, which comes by TCP in the "
                                "clear: write host:port, not '" +
                                    text + "'"});
        }
    }
    check_tls(options, problems);
    return problems;
}

}  // namespace twincached::app
