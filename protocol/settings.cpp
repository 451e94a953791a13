#include "protocol/settings.hpp"

#include "lib/numbers.hpp"

#include <array>
#include <string>
#include <string_view>

namespace twincached::protocol {
namespace {

// What `stats settings` of memcached calls these, where it differs from the option itself.
std::string binding_of(std::string_view plain) {
    return plain == "auto" ? "auto-negotiate" : std::string(plain);
}

std::string bytes_of_kib(std::string_view plain) {
    return std::to_string(1024 * lib::parse_number<std::uint64_t>(plain).value_or(0));
}

std::string first_byte(std::string_view plain) {
    return std::string(plain.substr(0, 1));
}

constexpr std::array rows = {
    lib::OptionRow{.section = "limits",
                   .key = "requests-per-event",
                   .flag = "max-reqs-per-event",
                   .letter = 'R',
                   .fills = lib::fills<&Settings::requests_per_event>,
                   .initial = "20",
                   .least = 1,
                   .most = 1'000'000,
                   .out_of_range = "Number of requests per event must be greater than 0",
                   .out_of_range_end = lib::OptionEnd::low,
                   .setting = {.place = 18, .name = "reqs_per_event"},
                   .help = "Requests of one client before others of its thread get their turn."},
    lib::OptionRow{.section = "memory",
                   .key = "cas",
                   .flag = "disable-cas",
                   .letter = 'C',
                   .fills = lib::fills<&Settings::cas_enabled>,
                   .initial = "yes",
                   .bare = true,
                   .bare_value = false,
                   .setting = {.place = 19, .name = "cas_enabled"},
                   .help = "Show clients the CAS unique of each item.",
                   .flag_help = "Disable CAS: clients are shown 0 instead of CAS uniques."},
    lib::OptionRow{.section = "network",
                   .key = "protocol",
                   .flag = "protocol",
                   .letter = 'B',
                   .fills = lib::fills<&Settings::dialects>,
                   .initial = "auto",
                   .choices = "auto|ascii|binary",
                   .out_of_range = "Invalid value for binding protocol: {}\n"
                                   " -- should be one of auto, binary, or ascii",
                   .setting = {.place = 21, .name = "binding_protocol", .shown = binding_of},
                   .help = "Dialect of clients: auto, ascii or binary."},
    lib::OptionRow{
        .section = "access",
        .key = "sasl",
        .flag = "enable-sasl",
        .letter = 'S',
        .fills = lib::fills<&Settings::sasl_required>,
        .initial = "no",
        .bare = true,
        .setting = {.place = 22, .name = "auth_enabled_sasl"},
        .help = "Clients of the binary protocol must log in by SASL; the text protocol is refused "
                "unless\nauth-file guards it."},
    lib::OptionRow{.section = "commands",
                   .key = "flush-all",
                   .flag = "disable-flush-all",
                   .letter = 'F',
                   .fills = lib::fills<&Settings::flush_enabled>,
                   .initial = "yes",
                   .bare = true,
                   .bare_value = false,
                   .setting = {.place = 36, .name = "flush_enabled"},
                   .help = "Allow flush_all.",
                   .flag_help = "Disable flush_all: it is refused."},
    lib::OptionRow{.section = "commands",
                   .key = "dumps",
                   .flag = "disable-dumping",
                   .letter = 'X',
                   .fills = lib::fills<&Settings::dump_enabled>,
                   .initial = "yes",
                   .bare = true,
                   .bare_value = false,
                   .setting = {.place = 37, .name = "dump_enabled"},
                   .help = "Allow stats cachedump and lru_crawler metadump.",
                   .flag_help = "Disable dumps: stats cachedump and lru_crawler metadump are "
                                "refused."},
    lib::OptionRow{.section = "commands",
                   .key = "watch",
                   .flag = "disable-watch",
                   .letter = 'W',
                   .fills = lib::fills<&Settings::watch_enabled>,
                   .initial = "yes",
                   .bare = true,
                   .bare_value = false,
                   .help = "Allow watch.",
                   .flag_help = "Disable watch: it is refused."},
    lib::OptionRow{.section = "commands",
                   .key = "hot-keys",
                   .flag = "hot-keys",
                   .fills = lib::fills<&Settings::hot_keys>,
                   .initial = "no",
                   .bare = true,
                   .help = "Find out which keys and prefixes are asked for most (stats hotkeys)."},
    lib::OptionRow{.section = "commands",
                   .key = "shutdown",
                   .flag = "enable-shutdown",
                   .letter = 'A',
                   .fills = lib::fills<&Settings::shutdown_enabled>,
                   .initial = "no",
                   .bare = true,
                   .setting = {.place = 11, .name = "shutdown_command"},
                   .help = "Allow clients to stop the server."},
    lib::OptionRow{.section = "commands",
                   .key = "test-commands",
                   .flag = "test-commands",
                   .fills = lib::fills<&Settings::test_commands>,
                   .initial = "no",
                   .bare = true,
                   .use = lib::OptionUse::hidden,
                   .help = "Allow debugtime, which moves the server's clocks. For tests."},
    lib::OptionRow{
        .section = "commands",
        .key = "prefix-delimiter",
        .letter = 'D',
        .fills = lib::fills<&Settings::prefix_delimiter>,
        .initial = "",
        .setting = {.place = 16, .name = "stat_key_prefix", .if_empty = ":", .shown = first_byte},
        .help = "Delimiter between the prefixes of keys and the rest, for `stats detail`, which it "
                "turns on.\nEmpty: a colon, and `stats detail` is off until a client turns it on."},
    lib::OptionRow{.section = "memcached",
                   .key = "track_sizes",
                   .word = "track_sizes",
                   .fills = lib::fills<&Settings::track_sizes>,
                   .initial = "no",
                   .bare = true,
                   .setting = {.place = 51, .name = "track_sizes"},
                   .help = "Let `stats sizes` tell how large items are."},
    lib::OptionRow{.section = "memcached",
                   .key = "watcher_logbuf_size",
                   .word = "watcher_logbuf_size",
                   .fills = lib::fills<&Settings::watcher_buffer_kib>,
                   .initial = "256",
                   .least = 8,  // room for a few lines at least
                   .most = 1 << 20,
                   .setting = {.place = 48, .name = "watcher_logbuf_size", .shown = bytes_of_kib},
                   .help = "KiB of lines kept for one watcher."},
    lib::OptionRow{.section = "memcached",
                   .key = "lru_crawler",
                   .word = "lru_crawler",
                   .fills = lib::fills<&Settings::crawler_enabled>,
                   .initial = "yes",
                   .bare = true,
                   .use = lib::OptionUse::meaningless,
                   .setting = {.place = 32, .name = "lru_crawler"},
                   .help = "expired items are always found in the background"},
    lib::OptionRow{.section = "memcached",
                   .key = "lru_maintainer",
                   .word = "lru_maintainer",
                   .fills = lib::fills<&Settings::maintainer_enabled>,
                   .initial = "yes",
                   .bare = true,
                   .use = lib::OptionUse::meaningless,
                   .setting = {.place = 39, .name = "lru_maintainer_thread"},
                   .help = "eviction needs no thread"},
    lib::OptionRow{.section = "memcached",
                   .key = "slab_reassign",
                   .word = "slab_reassign",
                   .fills = lib::fills<&Settings::reassign_enabled>,
                   .initial = "yes",
                   .bare = true,
                   .use = lib::OptionUse::meaningless,
                   .setting = {.place = 27, .name = "slab_reassign"},
                   .help = "slabs hold items of all sizes, so none is reassigned"},
};

}  // namespace

std::span<const lib::OptionRow> setting_rows() noexcept {
    return rows;
}

}  // namespace twincached::protocol
