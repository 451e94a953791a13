#include "app/options/option_table.hpp"

#include "lib/option_value.hpp"

#include <algorithm>
#include <cassert>

namespace twincached::app {
namespace {

template <class Predicate>
const lib::OptionRow* find_row(std::span<const lib::OptionRow> rows, Predicate matches) noexcept {
    const auto found = std::find_if(rows.begin(), rows.end(), matches);
    return found == rows.end() ? nullptr : &*found;
}

bool same_key(std::string_view left, std::string_view right) noexcept {
    return std::equal(left.begin(), left.end(), right.begin(), right.end(),
                      [](char a, char b) { return (a == '_' ? '-' : a) == (b == '_' ? '-' : b); });
}

std::vector<lib::OptionRow> in_sections(std::span<const OptionSection> sections,
                                        std::span<const OptionPart> parts) {
    std::vector<lib::OptionRow> rows;
    for (const auto& section : sections) {
        for (const auto& part : parts) {
            for (const auto& row : part.rows)
                if (row.section == section.name) rows.push_back(row);
        }
    }
    return rows;
}

}  // namespace

OptionTable::OptionTable(std::span<const OptionSection> sections, std::span<const OptionPart> parts,
                         OptionHomonym homonym)
    : rows_(in_sections(sections, parts)),
      sections_(sections.begin(), sections.end()),
      parts_(parts.begin(), parts.end()),
      homonym_(homonym),
      defaults_(lib::option_defaults(rows_)) {
    [[maybe_unused]] std::size_t brought = 0;
    for (const auto& part : parts_)
        brought += part.rows.size();
    assert(brought == rows_.size());
}

const lib::OptionRow* OptionTable::of_flag(std::string_view flag) const noexcept {
    return find_row(rows_, [=](const auto& row) { return !flag.empty() && row.flag == flag; });
}

const lib::OptionRow* OptionTable::of_letter(char letter) const noexcept {
    return find_row(rows_, [=](const auto& row) { return letter != 0 && row.letter == letter; });
}

const lib::OptionRow* OptionTable::of_word(std::string_view word) const noexcept {
    return find_row(rows_, [=](const auto& row) { return !word.empty() && row.word == word; });
}

const lib::OptionRow* OptionTable::of_key(std::string_view section,
                                          std::string_view key) const noexcept {
    return find_row(rows_, [=](const auto& row) {
        return !section.empty() && row.section == section && same_key(row.key, key);
    });
}

void OptionTable::settle(OptionReader& reader) const {
    for (const auto& part : parts_)
        if (part.settle != nullptr) part.settle(reader);
}

}  // namespace twincached::app
