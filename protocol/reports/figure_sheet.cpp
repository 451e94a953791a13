#include "protocol/reports/figure_sheet.hpp"

#include <algorithm>

namespace twincached::protocol {

void FigureSheet::note(std::string_view name, std::string_view value) {
    lines_.push_back({std::string(name), std::string(value)});
}

void FigureSheet::tell(std::span<const std::string_view> names, Absent absent, StatVisitor visit) {
    for (const auto name : names) {
        const auto line = std::find_if(lines_.begin(), lines_.end(),
                                       [&](const Line& noted) { return noted.name == name; });
        if (line != lines_.end()) {
            visit(line->name, line->value);
            line->is_told = true;
        } else if (absent == Absent::as_zero) {
            visit(name, "0");
        }
    }
}

void FigureSheet::tell_rest(StatVisitor visit) {
    for (auto& line : lines_) {
        if (!line.is_told) visit(line.name, line.value);
        line.is_told = true;
    }
}

}  // namespace twincached::protocol
