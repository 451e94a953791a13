// What an operator decided, of all modules together: the struct of each, and the table that they
// were read by. A value: filled at start-up by OptionReader from defaults, file and command line
// (in that order of strength), constant afterwards. The table must outlive it.
#pragma once

#include "app/options/option_table.hpp"
#include "lib/option_structs.hpp"

#include <filesystem>
#include <span>

namespace twincached::app {

class Options {
  public:
    // Every option at its default.
    explicit Options(const OptionTable& table) : table_(&table), structs_(table.defaults()) {}

    const OptionTable& table() const noexcept { return *table_; }
    std::span<const lib::OptionRow> rows() const noexcept { return table_->rows(); }

    // A module's own. REQUIRES: its rows are in the table.
    template <class Struct>
    const Struct& get() const {
        return structs_.get<Struct>();
    }
    // For what follows from other options.
    template <class Struct>
    Struct& edit() {
        return structs_.edit<Struct>();
    }

    // What is named relative to where we were started stays there when the daemon moves to "/".
    void make_paths_absolute(const std::filesystem::path& directory);

    const lib::OptionStructs& structs() const noexcept { return structs_; }
    lib::OptionStructs& structs() noexcept { return structs_; }

  private:
    const OptionTable* table_;
    lib::OptionStructs structs_;
};

}  // namespace twincached::app
