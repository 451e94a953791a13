// The rows of all figures, as the tables of docs/OBSERVING.md have them: for tests of what is made
// of them, or names them.
#pragma once

#include "lib/figure_row.hpp"

#include <map>
#include <string>
#include <vector>

namespace twincached::tidy {

using Figures = std::vector<lib::Figure>;

// By the names of their places in the document.
std::map<std::string, Figures> figure_tables();

// What /metrics is made of.
Figures figures_of_metrics();

}  // namespace twincached::tidy
