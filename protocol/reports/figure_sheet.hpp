// The figures of one report while they are gathered from those who know them, to be told in an
// order that is not theirs: memcached's, which dashboards and people expect. Lives as long as the
// report.
#pragma once

#include "lib/figure_row.hpp"
#include "protocol/stat_visitor.hpp"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace twincached::protocol {

class FigureSheet {
  public:
    // What is told of a name that nobody has noted.
    enum class Absent : std::uint8_t { as_zero, left_out };

    // REQUIRES: no figure of that name has been noted.
    void note(std::string_view name, std::string_view value);
    template <class Rows, class Source>
    void note_all(const Rows& rows, const Source& source) {
        lib::visit_figures(rows, source, [this](const lib::Figure& figure, std::string_view value) {
            note(figure.name, value);
        });
    }

    // Those of these names, in this order.
    void tell(std::span<const std::string_view> names, Absent absent, StatVisitor visit);
    // Those that have not been told, in the order in which they were noted.
    void tell_rest(StatVisitor visit);

  private:
    struct Line {
        std::string name;
        std::string value;
        bool is_told = false;
    };
    std::vector<Line> lines_;
};

}  // namespace twincached::protocol
