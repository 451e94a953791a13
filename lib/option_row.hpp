// The vocabulary of options: what an operator can decide, said once. An option is one row of
// constant data, declared by the module whose behaviour it decides, beside the struct that it
// fills. Whoever reads rows (command line, file, --help, --print-config, `stats settings`, reload)
// knows no option and no struct by name.
//
// How a module gets an option, in its own files alone:
//
//     // walk_options.hpp
//     struct WalkOptions {
//         std::chrono::milliseconds pause{};  // no default here: the row has it
//     };
//     std::span<const lib::OptionRow> walk_option_rows() noexcept;
//
//     // walk_options.cpp
//     constexpr std::array rows = {
//         lib::OptionRow{.section = "walk",
//                        .key = "pause",
//                        .flag = "walk-pause",
//                        .fills = lib::fills<&WalkOptions::pause>,
//                        .initial = "5s",
//                        .help = "How long a walk rests between two slices."},
//     };
//
// The program joins the spans of its modules into one table; a module's struct comes back filled
// as OptionStructs::get<WalkOptions>(). Tests get the defaults by option_defaults<WalkOptions>(
// walk_option_rows()); see lib/option_value.hpp.
//
// An option has up to four faces:  -m   --memory-limit   -o word   key in a [section]
//
// Constant data; any thread may read it.
#pragma once

#include <any>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <type_traits>
#include <typeinfo>
#include <utility>
#include <variant>
#include <vector>

namespace twincached::lib {

struct OptionBytes {
    std::uint64_t count = 0;
};
// Which of the row's choices, 0 is the first.
struct OptionChoice {
    std::size_t number = 0;
};
using OptionValue = std::variant<bool, std::int64_t, double, std::string, std::vector<std::string>,
                                 OptionBytes, std::chrono::milliseconds, OptionChoice>;

// The alternatives of OptionValue, in its order.
enum class OptionKind : std::uint8_t {
    flag,      // yes or no
    number,    // a whole one
    decimal,   // 1.25
    text,      // one of the row's choices, if it has any
    list,      // separated by commas; given repeatedly, it grows
    bytes,     // 512k, 64m
    duration,  // 200ms, 3s
    choice,    // one of the row's choices, kept as an enumerator
};

// The member that a row fills, with its types erased.
struct OptionMember {
    OptionKind kind = OptionKind::text;
    // The member's struct. Null: the option fills nothing; what was written is kept as text.
    const std::type_info* owner = nullptr;
    std::any (*make)() = nullptr;  // the struct as it is before any row fills it
    OptionValue (*get)(const std::any& structure) = nullptr;
    void (*set)(std::any& structure, const OptionValue& value) = nullptr;
};

namespace detail {

template <class>
struct MemberParts;
template <class S, class V>
struct MemberParts<V S::*> {
    using Struct = S;
    using Value = V;
};

// Which alternative of OptionValue stands for a member of this type.
template <class Value>
constexpr auto alternative_of() {
    if constexpr (std::is_same_v<Value, bool>) {
        return std::type_identity<bool>{};
    } else if constexpr (std::is_enum_v<Value>) {
        return std::type_identity<OptionChoice>{};
    } else if constexpr (std::integral<Value>) {
        return std::type_identity<std::int64_t>{};
    } else {
        return std::type_identity<Value>{};
    }
}

template <class Alternative, std::size_t index = 0>
constexpr OptionKind kind_of() {
    if constexpr (std::is_same_v<std::variant_alternative_t<index, OptionValue>, Alternative>) {
        return static_cast<OptionKind>(index);
    } else {
        return kind_of<Alternative, index + 1>();
    }
}

template <auto member, class Alternative>
struct Filler {
    using Struct = typename MemberParts<decltype(member)>::Struct;
    using Value = typename MemberParts<decltype(member)>::Value;

    static std::any make() { return Struct{}; }
    static OptionValue get(const std::any& structure) {
        const Value& value = std::any_cast<const Struct&>(structure).*member;
        if constexpr (std::is_same_v<Alternative, OptionBytes>) {
            return OptionBytes{value};
        } else if constexpr (std::is_enum_v<Value>) {
            return OptionChoice{static_cast<std::size_t>(value)};
        } else {
            return Alternative(value);
        }
    }
    static void set(std::any& structure, const OptionValue& given) {
        const auto& value = std::get<Alternative>(given);
        Value& place = std::any_cast<Struct&>(structure).*member;
        if constexpr (std::is_same_v<Alternative, OptionBytes>) {
            place = static_cast<Value>(value.count);
        } else if constexpr (std::is_enum_v<Value>) {
            place = static_cast<Value>(value.number);
        } else {
            place = static_cast<Value>(value);
        }
    }
    static constexpr OptionMember erased{kind_of<Alternative>(), &typeid(Struct), make, get, set};
};

}  // namespace detail

// The kind follows from the member's type: bool, whole number, double, std::string,
// std::vector<std::string>, std::chrono::milliseconds, or an enumeration whose enumerators are the
// row's choices in order, from 0. The row's least and most must fit a number's type.
template <auto member>
inline constexpr OptionMember fills =
    detail::Filler<member, typename decltype(detail::alternative_of<typename detail::MemberParts<
                                                 decltype(member)>::Value>())::type>::erased;

// A whole number of bytes, which people write as 512k or 64m.
template <auto member>
inline constexpr OptionMember fills_bytes = detail::Filler<member, OptionBytes>::erased;

// What is accepted, checked and shown, but decides nothing.
constexpr OptionMember fills_nothing(OptionKind kind) noexcept {
    return OptionMember{.kind = kind};
}

enum class OptionUse : std::uint8_t {
    effective,
    hidden,       // effective, but of no interest to operators: not in the file, not in --help
    meaningless,  // accepted; one log line says that it has no meaning in this store
    missing,      // accepted; one log line says that the feature is not built in
};

// How memcached's `stats settings` shows an option.
struct OptionSetting {
    unsigned place = 0;  // among its keys, 1 is the first; 0: it does not show it
    std::string_view name = {};
    std::string_view if_empty = "NULL";
    // From yes or no, a number, bytes, whole seconds, or text; null: shown as it is.
    std::string (*shown)(std::string_view plain) = nullptr;
};

// Which end of a range memcached's own words speak of; whoever is beyond the other one is told
// both.
enum class OptionEnd : std::uint8_t { both, low, high };

// The exit status of whoever was called wrongly, whatever was wrong (EX_USAGE of sysexits.h).
inline constexpr int exit_usage = 64;

struct OptionRow {
    std::string_view section;  // empty: on the command line only
    std::string_view key;
    std::string_view flag = {};  // long, without dashes
    char letter = 0;
    std::string_view word = {};  // of -o
    OptionMember fills;
    std::string_view initial;       // the default, as an operator would write it
    std::string_view shipped = {};  // what the shipped file says, if that differs
    double least = 0;               // of numbers, bytes and milliseconds; both ends belong to it
    double most = std::numeric_limits<double>::infinity();
    // Bytes or milliseconds that a bare number counts in on the command line, where memcached's own
    // flag or word says so. 0: a size or duration without a unit is refused, as it is in a file.
    std::uint64_t plain_unit = 0;
    std::string_view choices = {};  // "a|b|c"
    // A bare flag without argument sets this; a number is counted up instead (-vv).
    bool bare = false;
    bool bare_value = true;
    OptionUse use = OptionUse::effective;
    std::string_view out_of_range = {};  // memcached's own words, where it has some; {} = value
    OptionEnd out_of_range_end = OptionEnd::both;
    bool secret = false;  // never shown
    bool path = false;    // of a file; relative to where the program was started
    // To say it twice on the command line is a mistake: else the last one counts, as everywhere
    // with memcached.
    bool once = false;
    // Who puts a new value in force on SIGHUP: a name under which somebody joined the reload.
    // Empty: only a restart does.
    std::string_view reloaded_by = {};
    // Of several parts of which one is chosen, those that this says something to: "a|b". Whoever
    // sets it for another is told so. Empty: all.
    std::string_view used_by = {};
    OptionSetting setting = {};
    std::string_view help;  // what the value decides; lines of at most 90 columns
    // What the flag does, where that is the contrary of what the key says (--disable-...).
    std::string_view flag_help = {};
};

// What is wrong with several options together, each of which is well by itself.
struct OptionProblem {
    std::string_view section;  // of the option that is to blame
    std::string_view key;
    std::string message;  // a sentence for an operator
};

}  // namespace twincached::lib
