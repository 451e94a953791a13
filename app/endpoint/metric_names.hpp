// How figures are called where they are metrics: by a rule that needs no table, and, for those that
// memcached has, as memcached_exporter calls them, too, so that dashboards made for it go on
// working. Constant; pure.
#pragma once

#include "lib/figure_row.hpp"

#include <span>
#include <string>
#include <string_view>

namespace twincached::app {

// "repl_lag_ms" -> "twincached_repl_lag_seconds". Of a counter without the "_total" at its end.
// Prometheus wants base units, and no name that looks like a part of a histogram.
std::string metric_name(const lib::Figure& figure);

// The value in the unit that the name says. REQUIRES: no text.
std::string metric_value(const lib::Figure& figure, std::string_view value);

// One series of memcached_exporter. Rows of one metric stand together.
struct ExporterRow {
    std::string_view metric;  // without "_total"
    lib::FigureKind kind;     // counter or gauge
    std::string_view help;
    std::string_view figure;       // whose value it has, in the same unit
    std::string_view labels = {};  // as they are written
    // Figures, separated by '|', that the first one counts, too, and this metric does not.
    std::string_view less = {};
};

std::span<const ExporterRow> exporter_rows() noexcept;

}  // namespace twincached::app
