// The vocabulary of figures. A figure is a number or a word that the server tells of itself, and
// all that is to be known of it stands in one row, beside the code that counts it: its name,
// whether it only grows, what it is measured in, what it means, and where its value comes from.
// Reports and documentation walk rows and know no figure by name. Knows no report, allocates only
// for texts.
//
//     enum class Name : std::uint8_t { hits, count_ };
//     struct Report { lib::Tally<Name> counted; std::uint64_t lag_ms; ...operator[](Name) };
//
//     constexpr lib::FigureRow<Report> rows[] = {
//         {lib::counter("hits", "gets that found their item"), lib::counted<Name::hits>},
//         {lib::gauge("lag_ms", lib::Unit::milliseconds, "..."), lib::member<&Report::lag_ms>},
//     };
//     static_assert(lib::without_row<Name>(rows) == 0);
#pragma once

#include "lib/counters.hpp"
#include "lib/function_ref.hpp"

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace twincached::lib {

enum class FigureKind : std::uint8_t {
    counter,  // of what happened since the start, or since `stats reset` where that resets it
    gauge,    // how it is now: rises and falls
    text,     // words, for people and for comparison
};

// `one`: a figure counts what its help names, or has no unit at all.
enum class Unit : std::uint8_t { one, bytes, seconds, milliseconds, microseconds };

constexpr std::string_view name_of(FigureKind kind) noexcept {
    constexpr std::string_view names[] = {"counter", "gauge", "text"};
    return names[static_cast<std::size_t>(kind)];
}

// As people write it; empty for `one`.
constexpr std::string_view name_of(Unit unit) noexcept {
    constexpr std::string_view names[] = {"", "bytes", "s", "ms", "µs"};
    return names[static_cast<std::size_t>(unit)];
}

// What is known of a figure whatever its value. The texts live as long as the program.
struct Figure {
    std::string_view name;  // as `stats` says it; without ':', which exporters read as a class
    FigureKind kind = FigureKind::text;
    Unit unit = Unit::one;
    std::string_view help;  // half a sentence, without a stop; may hold Markdown, but no '|'
    // Of a text that is always one of a few words: "open|read-only|closed". Empty: any.
    std::string_view choices = {};
};

constexpr Figure counter(std::string_view name, std::string_view help) noexcept {
    return {name, FigureKind::counter, Unit::one, help};
}
constexpr Figure counter(std::string_view name, Unit unit, std::string_view help) noexcept {
    return {name, FigureKind::counter, unit, help};
}
constexpr Figure gauge(std::string_view name, std::string_view help) noexcept {
    return {name, FigureKind::gauge, Unit::one, help};
}
constexpr Figure gauge(std::string_view name, Unit unit, std::string_view help) noexcept {
    return {name, FigureKind::gauge, unit, help};
}
constexpr Figure text(std::string_view name, std::string_view help) noexcept {
    return {name, FigureKind::text, Unit::one, help};
}
// One of these words, separated by '|': monitoring tells it as one series for each.
constexpr Figure state(std::string_view name, std::string_view choices,
                       std::string_view help) noexcept {
    return {name, FigureKind::text, Unit::one, help, choices};
}

// A figure, and how to read it in a `Source`: a snapshot of some module.
template <class Source>
struct FigureRow {
    Figure figure;
    std::string (*value)(const Source& source) = nullptr;
    // Of a figure that only some servers tell; null: all do.
    bool (*is_told)(const Source& source) = nullptr;
};

using FigureVisitor = FunctionRef<void(const Figure& figure, std::string_view value)>;

// --- where values come from --------------------------------------------------------------------

// Numbers in decimal, conditions as 1 and 0, enumerators by the name_of() beside them.
template <class Value>
std::string figure_text(const Value& value) {
    if constexpr (std::same_as<Value, bool>) {
        return value ? "1" : "0";
    } else if constexpr (std::integral<Value>) {
        return std::to_string(value);
    } else if constexpr (std::convertible_to<Value, std::string_view>) {
        return std::string(std::string_view(value));
    } else {
        return std::string(name_of(value));
    }
}

// A counter: source[name].
template <auto name, class Source>
std::string counted(const Source& source) {
    return figure_text(source[name]);
}

// A member, or a member's member: member<&Report::link, &Link::sessions>.
template <auto... path, class Source>
std::string member(const Source& source) {
    return figure_text((source.*....*path));
}

// --- walking rows ------------------------------------------------------------------------------

template <class Rows, class Source>
void visit_figures(const Rows& rows, const Source& source, FigureVisitor visit) {
    for (const FigureRow<Source>& row : rows) {
        if (row.is_told == nullptr || row.is_told(source)) visit(row.figure, row.value(source));
    }
}

// How many of the counters of an enum are not named by exactly one of the rows. The place to see
// to it that a new counter is told is a static_assert beside the rows.
template <class Name, class Source, std::size_t size>
constexpr std::size_t without_row(const FigureRow<Source> (&rows)[size]) noexcept {
    const auto rows_of = [&](auto value) {
        std::size_t found = 0;
        for (const auto& row : rows)
            found += row.value == value ? 1U : 0U;
        return found;
    };
    return [&]<std::size_t... i>(std::index_sequence<i...>) {
        return (std::size_t{0} + ... +
                (rows_of(&counted<static_cast<Name>(i), Source>) == 1 ? 0U : 1U));
    }
    (std::make_index_sequence<Counters<Name>::size>());
}

}  // namespace twincached::lib
