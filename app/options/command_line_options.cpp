#include "app/options/command_line_options.hpp"

#include <array>

namespace twincached::app {
namespace {

constexpr std::array actions = {
    Option{.section = "",
           .key = "help",
           .flag = "help",
           .letter = 'h',
           .target = Shape::flag,
           .initial = "no",
           .bare = true,
           .help = "print this help and exit"},
    Option{.section = "",
           .key = "version",
           .flag = "version",
           .letter = 'V',
           .target = Shape::flag,
           .initial = "no",
           .bare = true,
           .help = "print the version and exit"},
    Option{.section = "",
           .key = "license",
           .flag = "license",
           .letter = 'i',
           .target = Shape::flag,
           .initial = "no",
           .bare = true,
           .help = "print the license and exit"},
    Option{.section = "",
           .key = "config",
           .flag = "config",
           .target = Shape::text,
           .initial = "",
           .help = "read options from this file; the command line is stronger"},
    Option{.section = "",
           .key = "check-config",
           .flag = "check-config",
           .target = Shape::flag,
           .initial = "no",
           .bare = true,
           .help = "say what is wrong with the options and exit"},
    Option{.section = "",
           .key = "print-config",
           .flag = "print-config",
           .target = Shape::flag,
           .initial = "no",
           .bare = true,
           .help = "print the options in effect, secrets masked, and exit"},
    Option{.section = "",
           .key = "print-default-config",
           .flag = "print-default-config",
           .target = Shape::flag,
           .initial = "no",
           .bare = true,
           .help = "print a file with every option and its default, and exit"},
    Option{.section = "",
           .key = "extended",
           .flag = "extended",
           .letter = 'o',
           .target = Shape::text,
           .initial = "",
           .help = "comma separated words of memcached's extended options"},
};

constexpr std::array accepted = {
    Option{.section = "",
           .key = "queue-items",
           .letter = 'q',
           .target = Shape::number,
           .initial = "8192",
           .use = Use::meaningless,
           .help = "repcached's queue length; changes are bounded by log-memory"},
    Option{.section = "",
           .key = "prefix-delimiter",
           .letter = 'D',
           .target = Shape::text,
           .initial = "",
           .help = "delimiter between key prefixes and ids; turns `stats detail` on"},
    Option{.section = "",
           .key = "napi-ids",
           .flag = "napi_ids",
           .letter = 'N',
           .target = Shape::number,
           .initial = "1",
           .least = 1,
           .use = Use::meaningless,
           .out_of_range = "Maximum number of NAPI IDs must be greater than 0",
           .help = "connections are dealt to threads in turn"},
};

}  // namespace

std::span<const Option> action_options() noexcept {
    return actions;
}
std::span<const Option> accepted_options() noexcept {
    return accepted;
}

}  // namespace twincached::app
