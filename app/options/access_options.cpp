#include "app/options/access_options.hpp"

#include <array>

namespace twincached::app {
namespace {

constexpr std::uint64_t seconds = 1000;
constexpr std::uint64_t hours = 3600 * seconds;
constexpr std::uint64_t mib = 1024 * 1024;

constexpr std::array rows = {
    // --- [limits] ---------------------------------------------------------------------------
    Option{.section = "limits",
           .key = "connections",
           .flag = "conn-limit",
           .letter = 'c',
           .target = &Options::connections,
           .initial = "1024",
           .least = 1,
           .most = 10'000'000,
           .out_of_range = "Maximum connections must be greater than 0",
           .help = "Clients at the same time. The limit on open files is raised to suit."},
    Option{.section = "limits",
           .key = "reject-fast",
           .word = "maxconns_fast",
           .target = &Options::reject_fast,
           .initial = "yes",
           .bare = true,
           .help = "Answer one client too many with an error; no: let it wait."},
    Option{.section = "limits",
           .key = "requests-per-event",
           .flag = "max-reqs-per-event",
           .letter = 'R',
           .target = &Options::requests_per_event,
           .initial = "20",
           .least = 1,
           .most = 1'000'000,
           .out_of_range = "Number of requests per event must be greater than 0",
           .help = "Requests of one client before others of its thread get their turn."},
    Option{.section = "limits",
           .key = "idle-timeout",
           .flag = "idle-timeout",
           .word = "idle_timeout",
           .target = &Options::idle_timeout,
           .initial = "0",
           .most = 365.0 * 24 * hours,
           .plain_unit = seconds,
           .help = "Close clients that were silent this long; 0: never (plain number: seconds)."},
    Option{.section = "limits",
           .key = "write-timeout",
           .flag = "write-timeout",
           .target = &Options::write_timeout,
           .initial = "2m",
           .most = 365.0 * 24 * hours,
           .plain_unit = seconds,
           .help = "Close clients that do not read their answers for this long; 0: never."},

    Option{.section = "limits",
           .key = "request-timeout",
           .flag = "request-timeout",
           .target = &Options::request_timeout,
           .initial = "5m",
           .most = 365.0 * 24 * hours,
           .plain_unit = seconds,
           .help = "Close clients whose request is not complete after this long, or, if it is a "
                   "long one,\nthat send less than 64k of it in this time; 0: never."},
    Option{.section = "limits",
           .key = "connections-per-address",
           .flag = "connections-per-address",
           .target = &Options::connections_per_address,
           .initial = "0",
           .most = 10'000'000,
           .reloadable = true,
           .help = "Clients of one address at the same time; 0: no limit. Unix sockets and what "
                   "trusted\nproxies ask for themselves are not counted."},
    Option{.section = "limits",
           .key = "buffer-memory",
           .flag = "buffer-memory",
           .word = "read_buf_mem_limit",
           .target = &Options::buffer_memory_bytes,
           .initial = "0",
           .most = 1ULL << 40,
           .plain_unit = mib,
           .help =
               "Half-received requests and half-sent answers of all clients together; who would "
               "hold\nmore is closed, a get of many keys refused. 0: no limit (plain number: "
               "MiB)."},

    // --- [access] ---------------------------------------------------------------------------
    Option{.section = "access",
           .key = "auth-file",
           .flag = "auth-file",
           .letter = 'Y',
           .target = &Options::auth_file,
           .initial = "",
           .help =
               "Clients of the text protocol must log in: `set` of any key to \"user password\" "
               "is\ntheir first command. A file of lines user:password, read again on SIGHUP."},
    Option{.section = "access",
           .key = "sasl",
           .flag = "enable-sasl",
           .letter = 'S',
           .target = &Options::sasl,
           .initial = "no",
           .bare = true,
           .help = "Clients of the binary protocol must log in by SASL PLAIN; the text protocol "
                   "is\nrefused unless auth-file guards it."},
    Option{.section = "access",
           .key = "sasl-file",
           .flag = "sasl-file",
           .target = &Options::sasl_file,
           .initial = "",
           .help = "Passwords for SASL, as in auth-file. Empty: the file that the environment "
                   "variable\nMEMCACHED_SASL_PWDB names, or else auth-file."},
    Option{.section = "access",
           .key = "proxy-protocol-from",
           .flag = "proxy-protocol-from",
           .target = &Options::proxies,
           .initial = "",
           .help = "Proxies that must name their clients by the PROXY protocol (HAProxy's "
                   "send-proxy or\nsend-proxy-v2): addresses and networks, such as 10.0.0.0/8, "
                   "separated by commas."},
};

}  // namespace

std::span<const Option> access_options() noexcept {
    return rows;
}

}  // namespace twincached::app
