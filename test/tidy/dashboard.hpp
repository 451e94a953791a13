// conf/grafana/twincached.json, made from the rows of figures: what is looked at first is chosen
// here, and each other metric has a panel further down, so that none is missing. Pure.
#pragma once

#include <string>

namespace twincached::tidy {

// One panel a line, so that a change of a row is a change of a line.
std::string dashboard_text();

}  // namespace twincached::tidy
