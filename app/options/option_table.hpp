// The one table of options: behind the command line, the file, --print-config, --help, the
// shipped conf/twincached.conf and `stats settings`. Constant data; any thread may read it.
//
// An option has up to four faces:  -m   --memory-limit   -o word   key in a [section]
#pragma once

#include "app/options/options.hpp"

#include <chrono>
#include <cstdint>
#include <limits>
#include <span>
#include <string_view>
#include <variant>

namespace twincached::app {

// The form of a value that steers nothing and is kept as text (Options::reported).
enum class Shape : std::uint8_t { flag, number, decimal, text };

using Target = std::variant<bool Options::*, std::int64_t Options::*, double Options::*,
                            std::string Options::*, std::vector<std::string> Options::*,
                            std::uint64_t Options::*,  // bytes
                            std::chrono::milliseconds Options::*, Shape>;

enum class Use : std::uint8_t {
    effective,
    hidden,       // effective, but an alias or of no interest: not in the file, not in --help
    meaningless,  // accepted; one log line says that it has no meaning in this store
    missing,      // accepted; one log line says that the feature is not built in
};

struct Option {
    std::string_view section;
    std::string_view key;
    std::string_view flag = {};  // long, without dashes
    char letter = 0;
    std::string_view word = {};  // of -o
    Target target;
    std::string_view initial;       // the default, as an operator would write it
    std::string_view shipped = {};  // what the shipped file says, if that differs
    double least = 0;
    double most = std::numeric_limits<double>::infinity();
    std::uint64_t plain_unit = 1;   // bytes or milliseconds that a bare number counts in
    std::string_view choices = {};  // "a|b|c"
    // A bare flag without argument sets this; a number is counted up instead (-vv).
    bool bare = false;
    bool bare_value = true;
    Use use = Use::effective;
    std::string_view out_of_range = {};  // memcached's own words, where it has some; {} = value
    int exit_code = 1;                   // and its exit status
    bool secret = false;
    bool reloadable = false;
    std::string_view help;
};

inline constexpr int exit_usage = 64;  // EX_USAGE of sysexits.h, as memcached uses it
inline constexpr int exit_no_user = 67;
inline constexpr int exit_system = 71;

// Every option, in the order of the shipped file. Options of one section stand together.
std::span<const Option> option_table() noexcept;

// Null if there is none.
const Option* option_of_flag(std::string_view flag) noexcept;
const Option* option_of_letter(char letter) noexcept;
const Option* option_of_word(std::string_view word) noexcept;
const Option* option_of_key(std::string_view section, std::string_view key) noexcept;

}  // namespace twincached::app
