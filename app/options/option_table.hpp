// The rows of all modules in one table: behind the command line, the file, --print-config, --help,
// the shipped conf/twincached.conf, `stats settings` and reloads. Knows no option by name: whoever
// joins the modules brings their rows, and the rules that concern several options at once.
// Constant once built; any thread may read it. Must outlive whatever was read by it.
#pragma once

#include "lib/option_row.hpp"
#include "lib/option_structs.hpp"

#include <initializer_list>
#include <span>
#include <string_view>
#include <vector>

namespace twincached::app {

class OptionReader;

// What one module brings.
struct OptionPart {
    std::span<const lib::OptionRow> rows;
    // When all is read: sets what follows from other options, complains of what does not go
    // together. Null: each of its options is well by itself.
    void (*settle)(OptionReader& reader) = nullptr;
};

// A section of the file and of --help.
struct OptionSection {
    std::string_view name;   // empty: the command line alone
    std::string_view title;  // what it decides, for --help
};

// A flag that stands alone, but means something else with an argument: -X of repcached.
struct OptionHomonym {
    char letter = 0;                 // 0: there is none
    std::string_view expected = {};  // "a port or nothing"
    // False if the argument is none of its own: then the flag stands alone.
    bool (*take)(std::string_view argument, OptionReader& reader) = nullptr;
    std::string_view help = {};  // whole lines
};

class OptionTable {
  public:
    // Rows stand in the order of their sections, then of their parts. REQUIRES: every row's
    // section is one of `sections`; no two rows share a name.
    OptionTable(std::span<const OptionSection> sections, std::span<const OptionPart> parts,
                OptionHomonym homonym = {});

    std::span<const lib::OptionRow> rows() const noexcept { return rows_; }
    std::span<const OptionSection> sections() const noexcept { return sections_; }
    const OptionHomonym& homonym() const noexcept { return homonym_; }
    const lib::OptionStructs& defaults() const noexcept { return defaults_; }

    // Null if there is none.
    const lib::OptionRow* of_flag(std::string_view flag) const noexcept;
    const lib::OptionRow* of_letter(char letter) const noexcept;
    const lib::OptionRow* of_word(std::string_view word) const noexcept;
    // '_' and '-' are the same in a key.
    const lib::OptionRow* of_key(std::string_view section, std::string_view key) const noexcept;

    void settle(OptionReader& reader) const;

  private:
    std::vector<lib::OptionRow> rows_;
    std::vector<OptionSection> sections_;
    std::vector<OptionPart> parts_;
    OptionHomonym homonym_;
    lib::OptionStructs defaults_;
};

}  // namespace twincached::app
