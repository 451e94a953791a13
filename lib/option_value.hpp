// One option's value as an operator writes it: text to typed member, and back. Knows no option by
// name. Used while options are read; any thread, each on structs of its own.
#pragma once

#include "lib/option_row.hpp"
#include "lib/option_structs.hpp"
#include "lib/result.hpp"

#include <span>
#include <string>
#include <string_view>

namespace twincached::lib {

// Where a value is written: by which name a complaint calls the option, and what a size or a
// duration without a unit is. There it counts in the row's plain unit, if it has one; in a file it
// is a mistake: nobody remembers which option counts in what.
enum class OptionFace : std::uint8_t { file, command_line };

// Stores the value, or says what is wrong with it and stores nothing. Lists are appended to.
Parsed<void> assign(const OptionRow& row, std::string_view text, OptionStructs& structs,
                    OptionFace face = OptionFace::file);

// What a flag without an argument means. REQUIRES: the row is bare.
Parsed<void> assign_bare(const OptionRow& row, OptionStructs& structs);

// REQUIRES: a list.
void clear_list(const OptionRow& row, OptionStructs& structs);

// The value as assign() would take it. REQUIRES: the row was set.
std::string value_text(const OptionRow& row, const OptionStructs& structs);

// The value as `stats settings` has it: bytes and seconds as bare numbers, lists without blanks.
std::string plain_text(const OptionRow& row, const OptionStructs& structs);

// What `from` has of this option.
void copy_value(const OptionRow& row, const OptionStructs& from, OptionStructs& to);

// Every option at its default. REQUIRES: each row accepts its own default.
OptionStructs option_defaults(std::span<const OptionRow> rows);

// One module's struct, at its defaults.
template <class Struct>
Struct option_defaults(std::span<const OptionRow> rows) {
    return option_defaults(rows).template get<Struct>();
}

}  // namespace twincached::lib
