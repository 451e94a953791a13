#include "app/listeners/listener_options.hpp"

#include "app/addresses/endpoint.hpp"
#include "app/addresses/network.hpp"

#include <algorithm>
#include <array>

namespace twincached::app {
namespace {

constexpr double largest_port = 65535;

constexpr std::array rows = {
    lib::OptionRow{.section = "network",
                   .key = "listen",
                   .flag = "listen",
                   .letter = 'l',
                   .fills = lib::fills<&ListenerOptions::listen>,
                   .initial = "",
                   .shipped = "127.0.0.1, ::1",
                   .setting = {.place = 5, .name = "inter"},
                   .help =
                       "Addresses for clients: host, host:port, [ipv6]:port; several separated by "
                       "commas\nor given repeatedly. Empty: all interfaces. One that this machine "
                       "does not have costs\na line in the log, as long as another is left."},
    lib::OptionRow{
        .section = "network",
        .key = "port",
        .flag = "port",
        .letter = 'p',
        .fills = lib::fills<&ListenerOptions::port>,
        .initial = "11211",
        .least = -1,
        .most = largest_port,
        .out_of_range = "ERROR: Invalid port number {}.",
        .setting = {.place = 3, .name = "tcpport"},
        .help = "TCP port for clients. 0: none. -1: any free one, written to the file named in "
                "the\nenvironment variable MEMCACHED_PORT_FILENAME."},
    lib::OptionRow{.section = "network",
                   .key = "udp-port",
                   .flag = "udp-port",
                   .letter = 'U',
                   .fills = lib::fills<&ListenerOptions::udp_port>,
                   .initial = "0",
                   .least = -1,
                   .most = largest_port,
                   .out_of_range = "ERROR: Invalid port number {}.",
                   .setting = {.place = 4, .name = "udpport"},
                   .help = "UDP port for clients; 0 turns UDP off."},
    lib::OptionRow{.section = "network",
                   .key = "unix-socket",
                   .flag = "unix-socket",
                   .letter = 's',
                   .fills = lib::fills<&ListenerOptions::unix_socket>,
                   .initial = "",
                   .path = true,
                   .setting = {.place = 9, .name = "domain_socket"},
                   .help = "Path of a unix socket; with it no TCP port is opened."},
    lib::OptionRow{.section = "network",
                   .key = "unix-mask",
                   .flag = "unix-mask",
                   .letter = 'a',
                   .fills = lib::fills<&ListenerOptions::unix_mask>,
                   .initial = "700",
                   .setting = {.place = 10, .name = "umask"},
                   .help = "Access mode of the unix socket, in octal."},
    lib::OptionRow{.section = "network",
                   .key = "backlog",
                   .flag = "listen-backlog",
                   .letter = 'b',
                   .fills = lib::fills<&ListenerOptions::backlog>,
                   .initial = "1024",
                   .least = 0,
                   .most = 1 << 20,
                   .setting = {.place = 20, .name = "tcp_backlog"},
                   .help = "Connections that may wait to be accepted."},
    lib::OptionRow{.section = "limits",
                   .key = "connections",
                   .flag = "conn-limit",
                   .letter = 'c',
                   .fills = lib::fills<&ListenerOptions::connections>,
                   .initial = "1024",
                   .least = 1,
                   .most = 10'000'000,
                   .out_of_range = "Maximum connections must be greater than 0",
                   .out_of_range_end = lib::OptionEnd::low,
                   .setting = {.place = 2, .name = "maxconns"},
                   .help = "Clients at the same time. The limit on open files is raised to suit."},
    lib::OptionRow{.section = "limits",
                   .key = "reject-fast",
                   .word = "maxconns_fast",
                   .fills = lib::fills<&ListenerOptions::reject_fast>,
                   .initial = "yes",
                   .bare = true,
                   .setting = {.place = 25, .name = "maxconns_fast"},
                   .help = "Answer one client too many with an error; no: let it wait."},
    lib::OptionRow{
        .section = "limits",
        .key = "connections-per-address",
        .flag = "connections-per-address",
        .fills = lib::fills<&ListenerOptions::connections_per_address>,
        .initial = "0",
        .most = 10'000'000,
        .reloaded_by = "connection limits",
        .help = "Clients of one address at the same time, or of an IPv6 network of 64 bits; 0: "
                "no limit.\nUnix sockets and what trusted proxies ask for themselves are not "
                "counted."},
    lib::OptionRow{.section = "access",
                   .key = "proxy-protocol-from",
                   .flag = "proxy-protocol-from",
                   .fills = lib::fills<&ListenerOptions::proxies>,
                   .initial = "",
                   .help =
                       "Proxies that must name their clients by the PROXY protocol (HAProxy's "
                       "send-proxy or\nsend-proxy-v2): addresses and networks, such as 10.0.0.0/8, "
                       "separated by commas."},
};

bool is_octal_mode(std::string_view text) noexcept {
    return !text.empty() && text.size() <= 4 &&
           std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '7'; });
}

}  // namespace

std::span<const lib::OptionRow> listener_option_rows() noexcept {
    return rows;
}

std::vector<lib::OptionProblem> problems_of(const ListenerOptions& options) {
    std::vector<lib::OptionProblem> problems;
    bool names_a_port = false;
    for (const auto& address : options.listen) {
        const auto listener = parse_listener(address);
        if (listener.has_error()) {
            problems.push_back({"network", "listen", listener.error()});
        } else {
            names_a_port = names_a_port || listener->endpoint.port.has_value();
        }
    }
    if (!is_octal_mode(options.unix_mask)) {
        problems.push_back(
            {"network", "unix-mask",
             "unix-mask must be an octal mode such as 700, not '" + options.unix_mask + "'"});
    }
    if (options.unix_socket.empty() && options.port == 0 && !names_a_port) {
        problems.push_back(
            {"network", "port", "nothing to listen on: no TCP port and no unix socket"});
    }
    const auto proxies = parse_networks(options.proxies);
    if (proxies.has_error()) problems.push_back({"access", "proxy-protocol-from", proxies.error()});
    return problems;
}

bool has_mutual_listener(const ListenerOptions& options) {
    return std::any_of(options.listen.begin(), options.listen.end(), [](const auto& text) {
        const auto listener = parse_listener(text);
        return listener && listener->tls == ListenerTls::mutual;
    });
}

}  // namespace twincached::app
