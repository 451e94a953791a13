#include "app/options/action_options.hpp"

#include <array>

namespace twincached::app {
namespace {

constexpr std::array rows = {
    lib::OptionRow{.section = "",
                   .key = "help",
                   .flag = "help",
                   .letter = 'h',
                   .fills = lib::fills<&Actions::help>,
                   .initial = "no",
                   .bare = true,
                   .help = "Print this help and exit."},
    lib::OptionRow{.section = "",
                   .key = "version",
                   .flag = "version",
                   .letter = 'V',
                   .fills = lib::fills<&Actions::version>,
                   .initial = "no",
                   .bare = true,
                   .help = "Print the version and exit."},
    lib::OptionRow{.section = "",
                   .key = "license",
                   .flag = "license",
                   .letter = 'i',
                   .fills = lib::fills<&Actions::license>,
                   .initial = "no",
                   .bare = true,
                   .help = "Print the license and exit."},
    lib::OptionRow{.section = "",
                   .key = "config",
                   .flag = "config",
                   .fills = lib::fills<&Actions::config>,
                   .initial = "",
                   .path = true,
                   .help = "Read options from this file. The command line is stronger than it."},
    lib::OptionRow{.section = "",
                   .key = "check-config",
                   .flag = "check-config",
                   .fills = lib::fills<&Actions::check_config>,
                   .initial = "no",
                   .bare = true,
                   .help = "Say what is wrong with the options and the files that they name, and "
                           "what would be\nregretted, and exit: 0 if nothing is wrong."},
    lib::OptionRow{.section = "",
                   .key = "print-config",
                   .flag = "print-config",
                   .fills = lib::fills<&Actions::print_config>,
                   .initial = "no",
                   .bare = true,
                   .help = "Print the options in effect, secrets masked, and exit."},
    lib::OptionRow{.section = "",
                   .key = "print-default-config",
                   .flag = "print-default-config",
                   .fills = lib::fills<&Actions::print_default_config>,
                   .initial = "no",
                   .bare = true,
                   .help = "Print a file with every option and its default, and exit."},
    // For the build, which puts it into the manual pages.
    lib::OptionRow{
        .section = "",
        .key = "print-manual",
        .flag = "print-manual",
        .fills = lib::fills<&Actions::print_manual>,
        .initial = "",
        .choices = "|flags|keys",
        .use = lib::OptionUse::hidden,
        .help = "Print the flags, or the keys of the file, for a manual page, and exit."},
    lib::OptionRow{
        .section = "",
        .key = "extended",
        .flag = "extended",
        .letter = 'o',
        .fills = lib::fills<&Actions::extended>,
        .initial = "",
        .help = "Words of memcached's, separated by commas: those that stand below behind -o."},
};

}  // namespace

std::span<const lib::OptionRow> action_option_rows() noexcept {
    return rows;
}

}  // namespace twincached::app
