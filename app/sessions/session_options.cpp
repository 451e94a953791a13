#include "app/sessions/session_options.hpp"

#include <array>

namespace twincached::app {
namespace {

constexpr std::uint64_t mib = 1024 * 1024;
constexpr std::uint64_t seconds = 1000;
constexpr std::uint64_t hours = 3600 * seconds;

// Times without a unit are milliseconds, but where memcached has the same option: there they are
// what they are for memcached (`plain_unit`).
constexpr std::array rows = {
    lib::OptionRow{
        .section = "process",
        .key = "threads",
        .flag = "threads",
        .letter = 't',
        .fills = lib::fills<&SessionOptions::threads>,
        .initial = "4",
        .least = 1,
        .most = 1024,
        .out_of_range = "Number of threads must be greater than 0",
        .out_of_range_end = lib::OptionEnd::low,
        .setting = {.place = 14, .name = "num_threads"},
        .help = "Threads that serve clients; more of them than there are cores make no sense."},
    lib::OptionRow{.section = "limits",
                   .key = "idle-timeout",
                   .flag = "idle-timeout",
                   .word = "idle_timeout",
                   .fills = lib::fills<&SessionOptions::idle_timeout>,
                   .initial = "0",
                   .most = 365.0 * 24 * hours,
                   .plain_unit = seconds,
                   .setting = {.place = 47, .name = "idle_timeout"},
                   .help = "Close clients that were silent this long; 0: never."},
    lib::OptionRow{.section = "limits",
                   .key = "write-timeout",
                   .flag = "write-timeout",
                   .fills = lib::fills<&SessionOptions::write_timeout>,
                   .initial = "2m",
                   .most = 365.0 * 24 * hours,
                   .help = "Close clients that do not read their answers for this long; 0: never."},
    lib::OptionRow{
        .section = "limits",
        .key = "request-timeout",
        .flag = "request-timeout",
        .fills = lib::fills<&SessionOptions::request_timeout>,
        .initial = "5m",
        .most = 365.0 * 24 * hours,
        .help = "Close clients whose request is not complete after this long, or, if it is a "
                "long one,\nthat send less than 64k of it in this time; 0: never."},
    lib::OptionRow{.section = "limits",
                   .key = "login-timeout",
                   .flag = "login-timeout",
                   .fills = lib::fills<&SessionOptions::login_timeout>,
                   .initial = "10s",
                   .most = 365.0 * 24 * hours,
                   .help = "Close clients whose login Cyrus SASL has not judged after this long; "
                           "0: never."},
    lib::OptionRow{
        .section = "limits",
        .key = "buffer-memory",
        .flag = "buffer-memory",
        .word = "read_buf_mem_limit",
        .fills = lib::fills_bytes<&SessionOptions::buffer_memory_bytes>,
        .initial = "64m",
        .most = 1ULL << 40,
        .plain_unit = mib,
        .setting = {.place = 50, .name = "read_buf_mem_limit"},
        .help =
            "Half-received requests and half-sent answers of all clients together, beside "
            "the limit\nof [memory]; beyond it, who gets on least is closed, a get of many keys "
            "refused. 0: no\nlimit."},
};

}  // namespace

std::span<const lib::OptionRow> session_option_rows() noexcept {
    return rows;
}

}  // namespace twincached::app
