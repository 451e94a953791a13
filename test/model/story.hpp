// A history told in sentences, one move a line, each with what the nodes are like after it.
#pragma once

#include "test/model/moves.hpp"

#include <string>
#include <vector>

namespace twincached::model {

// "12B" is node B's write at time 12, "12B.1A" the same touched by A, "x13A" A's delete at 13.
std::string name_of(Version version);

std::string tell(const Rules& rules, const std::vector<Move>& history);

}  // namespace twincached::model
