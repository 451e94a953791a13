// The options of a whole program as values: one struct of each module whose rows were read, found
// by its type. Filled by whoever reads options, then handed to the modules, each of which takes
// out its own. A value: copies are independent. Constant after start-up, and then for any thread.
#pragma once

#include "lib/option_row.hpp"

#include <any>
#include <cassert>
#include <map>
#include <string>
#include <string_view>
#include <typeindex>
#include <utility>

namespace twincached::lib {

class OptionStructs {
  public:
    // REQUIRES: a row that fills this struct was set. Valid as long as this object.
    template <class Struct>
    const Struct& get() const {
        const auto found = structs_.find(typeid(Struct));
        assert(found != structs_.end());
        return std::any_cast<const Struct&>(found->second);
    }
    // For what follows from other options.
    template <class Struct>
    Struct& edit() {
        return const_cast<Struct&>(std::as_const(*this).get<Struct>());
    }

    // REQUIRES: the row fills a member; it was set.
    OptionValue value(const OptionRow& row) const {
        return row.fills.get(structs_.at(*row.fills.owner));
    }
    // REQUIRES: the row fills a member, the value is of its kind and in its range.
    void set(const OptionRow& row, const OptionValue& value) {
        auto& structure = structs_[*row.fills.owner];
        if (!structure.has_value()) structure = row.fills.make();
        row.fills.set(structure, value);
    }

    // Of rows that fill nothing: what was written. Empty if nothing was.
    std::string_view written(std::string_view key) const noexcept {
        const auto found = written_.find(key);
        return found == written_.end() ? std::string_view() : found->second;
    }
    void write(std::string_view key, std::string_view text) {
        written_.insert_or_assign(std::string(key), std::string(text));
    }

  private:
    std::map<std::type_index, std::any> structs_;
    std::map<std::string, std::string, std::less<>> written_;
};

}  // namespace twincached::lib
